// What was noticed and what looks wrong, each with its layers.
import { h } from "../elements.js";

const SHOWN = 6; // layers of one finding, until all are asked for

export const findings = {
  id: "findings",
  title: "Findings",
  lead: "What looks like a mistake or a waste, and what isn't known? Each with its layers.",
  parts: ["findings"],
  async mount(section, page) {
    const rows = await page.part("findings");
    section.append(h("ul", { class: "findings" }, rows.map((row) => finding(row, page))));
  },
};

function finding({ severity, code, layers, message, hint }, page) {
  const list = h("span", { class: "layersOf" });
  const show = (most) => {
    list.replaceChildren(...layers.slice(0, most).flatMap((layer) => [
      h("button", { type: "button", class: "link", onclick: () => page.choose(layer) }, String(page.layers.get("path", layer))), " "]));
    if (layers.length > most) list.append(h("button", { type: "button", onclick: () => show(Infinity) }, `and ${layers.length - most} more`));
  };
  show(SHOWN);
  return h("li", { class: `note ${severity}` },
    h("b", {}, `${severity} `), h("code", {}, code), " ", message, hint ? h("p", { class: "soft" }, hint) : null, layers.length ? list : null);
}
