// What is chosen (layer, unit, metric, sizes), in one place and in the URL's hash: a link shows the same.

/** @typedef {{layer: number|null, unit: string|null, metric: string, [other: string]: any}} Chosen */

export class State extends EventTarget {
  /**
   * @param {string[]} paths of the layers (or models), in order: in the hash one stands by its path.
   * @param {string} key that which of them is chosen
   */
  constructor(paths, key = "layer") {
    super();
    this.key = key;
    this.paths = paths;
    this.index = new Map(paths.map((path, i) => [path, i]));
    this.first = new Map();
    this.chosen = this.#read();
    addEventListener("hashchange", () => location.hash.includes("=") && this.#take(this.#read())); // else: a place in the page
  }

  get(key) {
    return this.chosen[key] ?? null;
  }

  /** Choose; null takes a choice back. Everyone who listens hears of what changed. */
  set(changes) {
    const next = { ...this.chosen, ...changes };
    if (!this.#take(next)) return;
    const words = new URLSearchParams();
    for (const [key, value] of Object.entries(this.chosen)) {
      if (value === null || value === undefined) continue;
      words.set(key, key === this.key ? this.paths[value] : String(value));
    }
    history.replaceState(null, "", words.size ? `#${words}` : location.href.split("#")[0]);
  }

  /** Call `hear(value)` now and whenever one of these changes. */
  on(keys, hear) {
    const list = [].concat(keys);
    this.addEventListener("change", (event) => {
      if (list.some((key) => event.detail.has(key))) hear(this.chosen);
    });
    hear(this.chosen);
  }

  /** Call `act` when this changes, before anyone hears of it. */
  before(key, act) {
    this.first.set(key, act);
  }

  /** Tell everyone who listens to this once more. */
  again(key) {
    this.dispatchEvent(new CustomEvent("change", { detail: new Set([key]) }));
  }

  #take(next) {
    const keys = new Set([...Object.keys(next), ...Object.keys(this.chosen)]);
    const changed = new Set([...keys].filter((key) => (next[key] ?? null) !== (this.chosen[key] ?? null)));
    if (!changed.size) return false;
    this.chosen = next;
    for (const [key, act] of this.first) if (changed.has(key)) act();
    this.dispatchEvent(new CustomEvent("change", { detail: changed }));
    return true;
  }

  #read() {
    const chosen = {};
    for (const [key, value] of new URLSearchParams(location.hash.slice(1))) {
      if (key === this.key) chosen[key] = this.index.get(value) ?? null;
      else chosen[key] = value;
    }
    return chosen;
  }
}
