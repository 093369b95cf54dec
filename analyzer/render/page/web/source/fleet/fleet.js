// The page of a fleet: its models in columns, what is counted of all of them, which of them are selected.
import { table } from "../columns.js";
import { Frame } from "../frame.js";
import { part } from "../parts.js";
import { State } from "../state.js";
import { Selection } from "./selection.js";
import { UNITS } from "./units.js";

/**
 * @typedef {object} Figure  a number that every analysed model has
 * @property {string} name
 * @property {string} title
 * @property {(n: number|null) => string} write
 * @property {Float64Array} values  of the models on the page; NaN: not known
 * @property {number[]} edges  where its bins begin, and where the last ends
 * @property {number[]} counts  how many of all models each bin has
 */

export class Fleet extends Frame {
  /** @returns {Promise<Fleet>} */
  static async open() {
    const page = new Fleet();
    page.fleet = await part("fleet");
    page.kinds = await part("kinds");
    page.models = table(await part("models"));
    page.figures = (await part("distributions")).filter(({ counts, none }) => counts.length || none).map((found) => page.#figure(found));
    page.folder = common(page.models.column("path"));
    page.state = new State(page.models.column("path"), "model");
    page.selection = new Selection(page);
    return page;
  }

  /** @returns {Figure} */
  #figure(found) {
    const { none, edges, counts } = found;
    // A model that has none of it is in a bin of its own, before the others.
    const first = edges.length ? edges[0] : 1;
    return {
      ...found,
      write: UNITS[found.unit],
      values: this.#values(found.name),
      edges: none ? [0, ...(edges.length ? edges : [first])] : edges,
      counts: none ? [none, ...counts] : counts,
    };
  }

  #values(name) {
    return Float64Array.from(this.models.column(name), (n) => n ?? NaN);
  }

  figure(name) {
    return this.figures.find((figure) => figure.name === name);
  }

  /** A model's path, as text. */
  path(row) {
    return this.models.get("path", row) ?? "?";
  }

  /** The same without the folder that all are in. */
  shortPath(row) {
    return this.path(row).slice(this.folder.length);
  }

  choose(model) {
    this.state.set({ model });
  }
}

/** The folder that all paths are in; nothing if there is none. */
function common(paths) {
  if (paths.length < 2) return "";
  let shared = String(paths[0] ?? "");
  for (const path of paths) {
    const text = String(path ?? "");
    let end = Math.min(shared.length, text.length);
    while (!text.startsWith(shared.slice(0, end))) end -= 1;
    shared = shared.slice(0, end);
  }
  return shared.slice(0, shared.lastIndexOf("/") + 1);
}
