// What layers cost by one measure: sums that say what they lack, shares of the model, and the sum up to a layer.
import { metric } from "./metrics.js";
import { share } from "./notation.js";

/**
 * @typedef {object} Costs
 * @property {string} name
 * @property {(n: number) => string} write
 * @property {(layer: number) => number|null} value
 * @property {(layers: number[]) => {total: number, open: number}} sum  `open` of them aren't known
 * @property {(n: number) => number} share  of the model
 * @property {(layer: number) => number} upTo  the share of all up to it, in running order
 * @property {(bundle: {name: string, layers: number[], instances: any[]}) => string} told
 */

/** @returns {Costs|null} by the measure that is chosen */
export function costs(page) {
  const chosen = metric(page);
  if (!chosen) return null;
  const { key, name, write } = chosen;
  const column = page.layers.column(key);
  const value = (layer) => (typeof column[layer] === "number" ? Math.max(0, column[layer]) : null);
  let whole = 0;
  const running = column.map((_, i) => (whole += value(i) ?? 0));
  const part = (n) => (whole ? n / whole : 0);
  const sum = (layers) => layers.reduce((found, i) => (value(i) === null ? { ...found, open: found.open + 1 } : { ...found, total: found.total + value(i) }), { total: 0, open: 0 });
  const upTo = (layer) => part(running[layer]);
  const lacking = column.some((_, i) => value(i) === null) ? " of what is known" : "";
  const told = ({ layers, instances }) => {
    const { total, open } = sum(layers);
    const [first] = instances;
    const what = typeof first === "number" ? page.layers.get("path", first) : first.key || "the model";
    const many = instances.length > 1 ? ` and ${instances.length - 1} like it` : "";
    if (open === layers.length) return `${what}${many}: ${name} not known`;
    const least = open ? "at least " : "";
    const last = Math.max(...layers);
    const reached = layers.length < column.length ? `, ${share(upTo(last))} up to its end` : "";
    return `${what}${many}: ${least}${write(total)} ${name}, ${share(part(total))}${lacking}${reached}${open ? `; of ${open} of its ${layers.length} layers it isn't known` : ""}`;
  };
  return { key, name, write, value, sum, share: part, upTo, told };
}
