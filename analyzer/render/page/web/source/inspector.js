// The chosen layer, beside everything else: its figures, and how they come about.
import { facts, h } from "./elements.js";
import { count, nbytes } from "./notation.js";

export function inspector(page) {
  const aside = document.querySelector("aside");
  page.state.on("layer", ({ layer }) => {
    aside.hidden = layer === null || layer === undefined;
    if (aside.hidden) return;
    const get = (name) => page.layers.get(name, layer);
    aside.replaceChildren(
      h("div", { class: "head" },
        h("h2", {}, get("path")),
        h("button", { type: "button", "aria-label": "Close", onclick: () => page.choose(null) }, "\u00d7")),
      h("p", {}, [get("kind"), get("traits")].filter(Boolean).join(", ")),
      facts([
        ["output", get("output") ?? "?"],
        ["parameters", count(get("params"))],
        ["MACs", count(get("macs"))],
        ["FLOPs", count(get("flops"))],
        ["written", nbytes(get("bytes_written"))],
      ]),
    );
  });
}
