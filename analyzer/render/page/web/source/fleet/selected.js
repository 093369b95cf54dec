// What is selected, below the navigation as long as something is: each condition with a way out of it.
import { h } from "../elements.js";
import { exact } from "../notation.js";

export function selected(page) {
  const { selection } = page;
  const list = h("ul", { "aria-label": "Selected by" });
  const said = h("p", { role: "status" });
  const bar = h("div", { class: "selected", hidden: true }, said, list, h("button", { type: "button", class: "link", onclick: () => selection.clear() }, "Select all"));
  document.querySelector("nav").append(bar);
  let shown = "";
  selection.on(() => {
    bar.hidden = !selection.any;
    said.textContent = `${exact(selection.count)} of ${exact(page.models.length)} models`;
    const filters = [...selection.filters];
    const now = JSON.stringify(filters.map(([key, { text }]) => [key, text]));
    if (now === shown) return;
    shown = now;
    list.replaceChildren(...filters.map(([key, { text }]) =>
      h("li", {}, h("button", { type: "button", "aria-label": `No longer: ${text}`, onclick: () => page.state.set({ [key]: null }) }, h("span", {}, text), " \u00d7"))));
  });
}
