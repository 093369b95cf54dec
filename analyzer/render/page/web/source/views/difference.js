// What differs from the model before it: in words and tables, and which layers it is.
import { laid } from "../document.js";
import { h } from "../elements.js";

export const difference = {
  id: "difference",
  title: "Difference",
  lead: "What differs from the model before it, layer by layer?",
  parts: ["difference"],
  async mount(section, page) {
    const { before, same, counts, blocks, layers } = await page.part("difference");
    section.append(
      h("p", { class: "soft" }, `Before: ${before ?? "a model in memory"}`),
      h("div", { class: "tiles" }, Object.entries(counts).map(([status, count]) =>
        h("div", { class: "tile", "data-status": status }, h("p", { class: "label" }, status), h("p", { class: "figure" }, String(count)), h("p", { class: "said" }, "layers")))),
      same ? h("p", {}, "Nothing that is known differs.") : strip(layers, page),
      ...laid(blocks).flat().filter(Boolean),
    );
  },
};

const COLORS = { changed: "var(--c1)", added: "var(--c2)", renamed: "var(--c5)", moved: "var(--c3)", folded: "var(--c4)", unfolded: "var(--c4)" };

/** The layers in running order, those that differ coloured; each can be chosen. */
function strip(layers, page) {
  const rows = Object.entries(layers);
  const legend = [...new Set(rows.map(([, status]) => status))];
  return h("div", {},
    h("p", { class: "legend" }, legend.map((status) => h("span", {}, h("i", { style: `border-block-start:8px solid ${COLORS[status] ?? "var(--c6)"}` }), status))),
    h("div", { class: "strip", role: "group", "aria-label": "Layers that differ, in running order" }, rows.map(([layer, status]) => {
      const name = `${status}: ${page.layers.get("path", Number(layer))}`;
      return h("button", { type: "button", "aria-label": name, title: name, style: `background:${COLORS[status] ?? "var(--c6)"}`, onclick: () => page.choose(Number(layer)) });
    })));
}
