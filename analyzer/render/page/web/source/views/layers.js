// Every layer with every column, sorted and filtered.
import { h } from "../elements.js";

export const layers = {
  id: "layers",
  title: "Layers",
  lead: "Every layer, with every figure.",
  parts: ["layers"],
  mount(section, page) {
    const names = page.layers.names;
    const body = h("tbody");
    for (let row = 0; row < page.layers.length; row += 1) {
      body.append(h("tr", { onclick: () => page.choose(row) }, names.map((name) => h("td", {}, String(page.layers.get(name, row) ?? "")))));
    }
    section.append(h("div", { class: "wide" }, h("table", {}, h("thead", {}, h("tr", {}, names.map((name) => h("th", {}, name)))), body)));
  },
};
