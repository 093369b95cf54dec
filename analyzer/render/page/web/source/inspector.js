// The chosen layer, beside everything else: its figures, and how they come about.
import { laid } from "./document.js";
import { h } from "./elements.js";
import { count, nbytes, share } from "./notation.js";

export function inspector(page) {
  const aside = document.querySelector("aside");
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !aside.hidden) page.choose(null);
  });
  page.state.on(["layer", "size"], ({ layer }) => {
    const none = layer === null || layer === undefined;
    aside.hidden = none;
    document.body.classList.toggle("inspecting", !none);
    if (none) return;
    show(aside, page, layer);
  });
}

async function show(aside, page, layer) {
  const get = (name) => page.layers.get(name, layer);
  const told = h("div", { class: "told" });
  aside.replaceChildren(
    h("div", { class: "head" },
      h("div", {},
        h("p", { class: "soft" }, `layer ${layer} of ${page.layers.length}`),
        h("h2", { title: get("path") }, get("path"))),
      h("div", { class: "buttons" },
        step(page, layer, -1, "Previous layer", "\u2191"), step(page, layer, 1, "Next layer", "\u2193"),
        h("button", { type: "button", "aria-label": "Close (Escape)", onclick: () => page.choose(null) }, "\u00d7"))),
    h("p", {}, [get("kind"), get("traits")].filter(Boolean).join(", ")),
    h("dl", { class: "facts" }, figures(page, layer).flatMap(([head, text]) => [h("dt", {}, head), h("dd", {}, text)])),
    told,
  );
  aside.scrollTop = 0;
  const explanations = await page.part("explanations");
  if (page.state.get("layer") !== layer || !explanations) return;
  told.replaceChildren(...laid(explanations.layers[layer].map((i) => explanations.blocks[i])).flat().filter(Boolean));
}

function figures(page, layer) {
  const get = (name) => page.layers.get(name, layer);
  const part = (name) => {
    const whole = page.model.totals[name]?.value;
    return whole && typeof get(name) === "number" ? ` (${share(get(name) / whole)})` : "";
  };
  return [
    ["output", get("output") ?? "?"],
    ["parameters", count(get("params")) + part("params")],
    ["MACs", count(get("macs")) + part("macs")],
    ["written", nbytes(get("bytes_written"))],
  ];
}

function step(page, layer, by, label, text) {
  const next = layer + by;
  const off = next < 0 || next >= page.layers.length;
  return h("button", { type: "button", "aria-label": label, disabled: off, onclick: () => page.choose(next) }, text);
}
