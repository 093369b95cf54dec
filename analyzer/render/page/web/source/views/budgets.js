// Are limits kept? Each with its figure and how far apart they are; what can't be told says why.
import { h } from "../elements.js";

const WORDS = { within: "within", exceeds: "over", unknown: "unknown", allowed: "unknown, allowed", new: "new" };
const TONES = { within: "good", exceeds: "bad", unknown: "warn" };

export const budgets = {
  id: "budgets",
  title: "Budgets",
  lead: "Does it keep its limits?",
  parts: ["budgets"],
  async mount(section, page) {
    const { titles, rows, remarks } = await page.part("budgets");
    // Columns that say nothing of any limit aren't there; the state is in our words.
    const columns = titles.map((_, i) => i).filter((i) => i > 0 && rows.some(({ cells }) => cells[i]));
    const head = h("tr", {}, h("th", { scope: "col" }, "verdict"), columns.map((i) => h("th", { scope: "col" }, titles[i])), h("th", { scope: "col" }, "used"), h("th", { scope: "col" }, "most in"));
    section.append(
      h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "Limits" },
        h("table", { class: "budgets" }, h("thead", {}, head), h("tbody", {}, rows.map((row) => verdict(row, columns, titles, page))))),
      remarks.length ? h("ul", { class: "notes" }, remarks.map(([severity, text]) => h("li", { class: severity }, severity === "info" ? null : h("b", {}, `${severity}: `), text))) : "",
    );
  },
};

function verdict({ cells, state, share, layers }, columns, titles, page) {
  return h("tr", { "data-state": state },
    h("td", { class: TONES[state] ?? null }, h("b", {}, WORDS[state] ?? state)),
    columns.map((i) => h("td", { "data-title": titles[i] }, cells[i])),
    h("td", { "data-title": "used" }, share === null ? "" : meter(share)),
    h("td", { "data-title": "most in" }, layers.length ? h("span", {}, layers.flatMap((layer, i) => [i ? ", " : "", link(page, layer)])) : []));
}

/** How much of a limit is used: the line is the limit. */
function meter(share) {
  const most = Math.max(1, share);
  const text = `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
  return h("span", { class: share > 1 ? "meter over" : "meter", role: "img", "aria-label": `${text} of the limit` },
    h("i", { style: `inline-size:${(100 * share) / most}%` }), h("b", { style: `inset-inline-start:${100 / most}%` }), h("span", {}, share > 100 ? `${share.toFixed(0)}\u00d7` : text));
}

function link(page, layer) {
  return h("button", { type: "button", class: "link", onclick: () => page.choose(layer) }, page.layers.get("path", layer));
}
