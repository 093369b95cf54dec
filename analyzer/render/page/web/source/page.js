// The page of a model: its data, what is chosen, and what follows from a chosen size.
import { Frame } from "./frame.js";
import { part } from "./parts.js";
import { State } from "./state.js";
import { table } from "./columns.js";

export class Page extends Frame {
  /** @returns {Promise<Page>} */
  static async open() {
    const page = new Page();
    page.model = await part("model");
    page.layers = table(await part("layers"));
    page.#derive();
    page.state = new State(page.layers.column("path"));
    page.state.before("size", () => page.#resize());
    if (page.state.get("size") !== null) await page.#load(); // the address names one: nothing is drawn of another
    return page;
  }

  /** The figures at other sizes, read once; and those of the chosen size in place. */
  async #load() {
    this.sizes = (await part("sizes")) ?? { lengths: [], layers: {}, totals: {} };
    this.#resize();
  }

  /** Figures of the chosen size, everywhere, before the views that listen to "size" draw anew. */
  #resize() {
    if (!this.sizes) return void this.#load().then(() => this.state.again("size"));
    const { lengths, layers, totals, own } = this.sizes;
    const i = lengths.indexOf(Number(this.state.get("size") ?? own));
    if (i < 0 || lengths[i] === this.size) return;
    this.size = lengths[i];
    for (const [name, values] of Object.entries(layers)) this.layers.put(name, values.map((of) => of[i]));
    this.#derive();
    for (const [name, { [i]: value }] of Object.entries(totals)) this.model.totals[name] = { ...this.model.totals[name], value, known: value };
  }

  /** Columns that follow from others. */
  #derive() {
    const [read, written] = ["bytes_read", "bytes_written"].map((name) => this.layers.column(name));
    this.layers.put("traffic_bytes", read.map((n, i) => (typeof n === "number" && typeof written[i] === "number" ? n + written[i] : null)));
  }

  choose(layer) {
    this.state.set({ layer, unit: null });
  }
}
