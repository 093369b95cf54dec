// Layers or kernels with what they took, as bars; the chosen layer's are marked.
import { h } from "./elements.js";
import { duration, share } from "./notation.js";

const LISTED = 12;

/**
 * The longest first.
 * @param {string} title
 * @param {[number|null, string, number][]} rows layer, name, seconds
 * @param {import("./page.js").Page} page
 * @param {string} color a variable's name
 * @param {number} [whole] of which shares are said
 */
export function times(title, rows, page, color, whole = 0) {
  const longest = rows.filter(([, , seconds]) => seconds > 0).sort((a, b) => b[2] - a[2]).slice(0, LISTED);
  if (!longest.length) return "";
  const most = longest[0][2];
  const list = h("ol", { class: "times" }, longest.map(([layer, name, seconds]) =>
    h("li", { "data-layer": layer },
      h("span", { class: "fill", style: `inline-size:${(100 * seconds) / most}%;background:var(${color})`, "aria-hidden": "true" }),
      layer === null ? h("span", {}, name) : h("button", { type: "button", class: "link", onclick: () => page.choose(layer) }, page.layers.get("path", layer)),
      h("span", { class: "number" }, whole ? `${duration(seconds)}  ${share(seconds / whole)}` : duration(seconds)))));
  page.state.on("layer", ({ layer }) => {
    for (const row of list.children) row.classList.toggle("chosen", row.dataset.layer === String(layer));
  });
  return h("div", {}, h("h3", {}, title), list);
}
