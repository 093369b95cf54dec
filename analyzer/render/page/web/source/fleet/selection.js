// Which models are selected: by ranges of figures, by kinds, operators, reasons, words. All of these must hold;
// each model knows how many it fails, so that a chart can count what the others than its own leave.

/** @typedef {{fails: Uint8Array, text: string}} Filter */

const LISTS = { op: "operators", open: "uncounted", why: "why", over: "exceeded" };
const TITLES = { op: "uses", open: "totals miss", why: "failed", over: "over", find: "path has" };

export class Selection extends EventTarget {
  /** @param {import("./fleet.js").Fleet} page */
  constructor(page) {
    super();
    this.page = page;
    this.length = page.models.length;
    this.failing = new Uint8Array(this.length);
    /** @type {Map<string, Filter>} */
    this.filters = new Map();
    this.keys = [...page.figures.map(({ name }) => name), ...page.kinds.map(({ name }) => name), ...Object.keys(LISTS), "find"];
    this.given = new Map();
    page.state.on(this.keys, (chosen) => {
      for (const key of this.keys) this.apply(key, chosen[key] ?? null);
    });
  }

  /** Select by one more thing, or by another value of it; null: not by it. The address stays as it is. */
  apply(key, value) {
    if ((this.given.get(key) ?? null) === value) return;
    this.given.set(key, value);
    const before = this.filters.get(key);
    if (before) for (let row = 0; row < this.length; row += 1) this.failing[row] -= before.fails[row];
    this.filters.delete(key);
    const found = value === null ? null : this.#test(key, value);
    if (found) {
      const fails = new Uint8Array(this.length);
      for (let row = 0; row < this.length; row += 1) if (!found.keeps(row)) this.failing[row] += fails[row] = 1;
      this.filters.set(key, { fails, text: found.text });
    }
    this.count = this.failing.reduce((sum, n) => sum + (n === 0), 0);
    this.#tell();
  }

  /** Everyone hears of it before the next frame, once. */
  #tell() {
    if (this.told) return;
    this.told = true;
    requestAnimationFrame(() => {
      this.told = false;
      this.dispatchEvent(new Event("change"));
    });
  }

  /** Call now and whenever other models are selected. */
  on(hear) {
    this.addEventListener("change", hear);
    hear();
  }

  get any() {
    return this.filters.size > 0;
  }

  has(row) {
    return this.failing[row] === 0;
  }

  /** Whether nothing but this one thing may keep a model out. */
  butFor(key) {
    const fails = this.filters.get(key)?.fails;
    return fails ? (row) => this.failing[row] === fails[row] : (row) => this.failing[row] === 0;
  }

  /** @returns {number[]} rows of the selected models */
  rows() {
    const rows = [];
    for (let row = 0; row < this.length; row += 1) if (this.failing[row] === 0) rows.push(row);
    return rows;
  }

  /** The values of a list that is chosen from, as the address has it. */
  values(key) {
    return listed(this.given.get(key) ?? null) ?? [];
  }

  /** Choose a value of a list, or no longer. */
  toggle(key, value) {
    const now = this.values(key);
    const next = now.includes(value) ? now.filter((x) => x !== value) : [...now, value];
    this.page.state.set({ [key]: next.length ? JSON.stringify(next) : null });
  }

  clear() {
    this.page.state.set(Object.fromEntries(this.keys.map((key) => [key, null])));
  }

  #test(key, value) {
    const { models } = this.page;
    const figure = this.page.figure(key);
    // A kind may have a figure's name no more than a list's: they are told apart by what the page has.
    if (figure) return value === "?" ? open(figure, models.column("status")) : range(figure, value);
    if (key === "find") return found(this.page, value);
    const values = listed(value);
    if (!values) return null;
    const column = models.column(LISTS[key] ?? key);
    const title = TITLES[key] ?? this.page.kinds.find(({ name }) => name === key)?.title.toLowerCase() ?? key;
    const text = `${title}${key in TITLES ? "" : ":"} ${values.map((x) => this.said(x)).join(key === "op" ? " and " : " or ")}`;
    if (key === "op" || key === "over" || key === "open") {
      const every = key === "op" ? "every" : "some";
      return { text, keeps: (row) => values[every]((x) => column[row]?.includes(x)) };
    }
    const wanted = new Set(values);
    return { text, keeps: (row) => wanted.has(column[row] ?? null) };
  }

  /** A kind's value in words. */
  said(value) {
    return value === null ? "not known" : value === "" ? "none" : value === true ? "yes" : value === false ? "no" : String(value);
  }
}

function listed(text) {
  try {
    const values = JSON.parse(text);
    return Array.isArray(values) ? values : null;
  } catch {
    return null; // an address that somebody wrote
  }
}

/** `lo..hi`, of which the end is within; `?`: not known. */
export function bounds(value) {
  const found = /^([\d.e+-]+)\.\.([\d.e+-]+)$/.exec(value ?? "");
  return found ? [Number(found[1]), Number(found[2])] : null;
}

/** Of models without a report nothing is known, which isn't meant. */
function open({ name, title, values }, statuses) {
  const failed = (row) => name !== "file_bytes" && statuses[row] === "error";
  return { text: `${title} not known`, keeps: (row) => Number.isNaN(values[row]) && !failed(row) };
}

function range({ title, values, write }, value) {
  const found = bounds(value);
  if (!found) return null;
  const [low, high] = found;
  return { text: `${title} ${low === high ? write(low) : `${write(low)} to ${write(high)}`}`, keeps: (row) => values[row] >= low && values[row] <= high };
}

function found(page, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return null;
  page.searched ??= page.models.column("path").map((path) => String(path ?? "").toLowerCase());
  return { text: `path has ${words.join(" and ")}`, keeps: (row) => words.every((word) => page.searched[row].includes(word)) };
}
