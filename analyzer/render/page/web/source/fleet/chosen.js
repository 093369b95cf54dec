// The chosen model, beside everything else: its figures, where it lies, which others have the same graph.
import { copied } from "../copying.js";
import { h } from "../elements.js";
import { exact } from "../notation.js";
import { address, command } from "./links.js";
import { titled, written } from "./model_text.js";

const FIRST = ["status", "error", "params", "macs", "peak_activation_bytes", "weight_bytes", "file_bytes", "inputs", "outputs", "opset", "producer"];
const APART = new Set(["path", "page", "row", "graph", "why", "operators", ...FIRST]);
const ALIKE = 20;

export function chosen(page) {
  const aside = document.querySelector("aside");
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !aside.hidden) page.choose(null);
  });
  page.state.on("model", ({ model }) => {
    const none = model === null || model === undefined;
    const before = aside.hidden ? document.activeElement : null;
    aside.hidden = none;
    document.body.classList.toggle("inspecting", !none);
    if (none) return void page.left?.focus?.({ preventScroll: true });
    page.left = before ?? page.left; // where the keyboard goes back to
    show(aside, page, model);
  });
}

function show(aside, page, row) {
  const { models } = page;
  const path = page.path(row);
  const where = address(page, row);
  const line = command(path);
  const more = models.names.filter((name) => !APART.has(name) && models.get(name, row) !== null && models.get(name, row) !== "");
  aside.replaceChildren(
    h("div", { class: "head" },
      h("div", {}, h("p", { class: "soft" }, `model ${exact(models.get("row", row) + 1)} of ${exact(page.fleet.count)}`), h("h2", {}, path)),
      h("div", { class: "buttons" }, h("button", { type: "button", "aria-label": "Close (Escape)", onclick: () => page.choose(null) }, "\u00d7"))),
    where ? h("p", {}, h("a", { href: where.href, rel: "noopener noreferrer", target: "_blank" }, where.own ? "Open its page" : "Open its place")) : "",
    h("p", { class: "command" }, h("code", {}, line), h("button", { type: "button", onclick: (event) => copied(line, event.target) }, "Copy")),
    facts(FIRST.filter((name) => models.has(name) && (models.get(name, row) !== null || ["params", "macs"].includes(name))), page, row),
    operators(models.get("operators", row)),
    h("details", {}, h("summary", {}, "Everything else"), facts(more, page, row)),
    alike(page, row),
  );
  aside.scrollTop = 0;
}

function facts(names, page, row) {
  return h("dl", { class: "facts" }, names.flatMap((name) => [h("dt", {}, titled(name)), h("dd", {}, written(page, name, row))]));
}

function operators(used) {
  if (!used?.length) return "";
  return h("details", {}, h("summary", {}, `${used.length} operators`), h("p", {}, used.join(", ")));
}

/** Others with the same graph: they differ in weights, or not at all. */
function alike(page, row) {
  const group = page.models.get("graph", row);
  if (!group) return "";
  const graphs = page.models.column("graph");
  const others = graphs.flatMap((other, i) => (other === group && i !== row ? [i] : []));
  return h("div", {}, h("h3", {}, `The same graph: ${exact(others.length)} more`),
    h("ul", { class: "plain" }, others.slice(0, ALIKE).map((i) => h("li", {}, h("button", { type: "button", class: "link", onclick: () => page.choose(i) }, page.path(i))))),
    others.length > ALIKE ? h("p", { class: "soft" }, `and ${exact(others.length - ALIKE)} more`) : "");
}

