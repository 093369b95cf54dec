// A table that was written by columns, read by rows.

/**
 * @param {{columns: {name: string, values: any[]}[]}} written
 */
export function table(written) {
  const columns = new Map(written.columns.map(({ name, values, words }) => [name, words ? values.map((i) => words[i]) : values]));
  return {
    names: written.columns.map((column) => column.name),
    length: written.length,
    column: (name) => columns.get(name) ?? [],
    has: (name) => columns.has(name),
    get: (name, row) => columns.get(name)?.[row] ?? null,
    /** Other values in a column's place. */
    put: (name, values) => columns.set(name, values),
  };
}
