// The page: its data, what is chosen, and its views, each made when it comes near the screen.
import { h } from "./elements.js";
import { has, part } from "./parts.js";
import { State } from "./state.js";
import { table } from "./columns.js";

/**
 * @typedef {object} View
 * @property {string} id  in the page's address and navigation
 * @property {string} title  a few words
 * @property {string} lead  the question that it answers, as a sentence
 * @property {string[]} [parts]  parts of the file without which there is nothing to see
 * @property {(section: HTMLElement, page: Page) => (void|Promise<void>)} mount
 */

export class Page {
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

  part(name) {
    return part(name);
  }

  has(name) {
    return has(name);
  }

  /** @param {View[]} views */
  show(views) {
    const main = document.querySelector("main");
    const nav = document.querySelector("nav ul");
    const near = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) if (isIntersecting) target.dispatchEvent(new Event("near"));
    }, { rootMargin: "50%" });
    for (const view of views) {
      if (!(view.parts ?? []).every(has)) continue;
      const body = h("div", { class: "view" });
      const section = h("section", { id: view.id, "aria-labelledby": `${view.id}-title` },
        h("h2", { id: `${view.id}-title`, tabindex: -1 }, view.title), h("p", { class: "lead" }, view.lead), body);
      section.addEventListener("near", () => this.#mount(view, section, body), { once: true });
      main.append(section);
      nav.append(h("li", {}, h("a", { href: `#${view.id}`, onclick: (event) => this.#go(event, section) }, view.title)));
      near.observe(section);
    }
    this.#follow(main, nav);
    // Printed, everything is there.
    addEventListener("beforeprint", () => {
      for (const section of main.querySelectorAll("section")) section.dispatchEvent(new Event("near"));
    });
  }

  /** The navigation says which view is on the screen. */
  #follow(main, nav) {
    const seen = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        for (const link of nav.querySelectorAll("a")) {
          if (link.hash === `#${target.id}`) link.setAttribute("aria-current", "true");
          else link.removeAttribute("aria-current");
        }
      }
    }, { rootMargin: "-20% 0px -75% 0px" });
    for (const section of main.querySelectorAll("section")) seen.observe(section);
  }

  /** A place in the page, without taking the choices out of the address. */
  #go(event, section) {
    event.preventDefault();
    section.dispatchEvent(new Event("near"));
    section.scrollIntoView();
    section.querySelector("h2").focus({ preventScroll: true });
  }

  async #mount(view, section, body) {
    section.dataset.state = "mounting";
    await view.mount(body, this);
    section.dataset.state = "mounted"; // what a test waits for
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
