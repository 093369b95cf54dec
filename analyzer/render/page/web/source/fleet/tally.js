// Bars of how many models have what, each a button that selects them; the fewer that are selected stand before all.
import { h } from "../elements.js";
import { exact } from "../notation.js";
import { of } from "./units.js";

const FIRST = 12;

/**
 * @typedef {{value: any, label: string, count: number, note?: string, tone?: string, below?: Node|null}} Entry
 */

/**
 * @param {import("./fleet.js").Fleet} page
 * @param {string} key  by which is selected
 * @param {Entry[]} entries
 * @param {() => Map<any, number>} counted  how many models that nothing else keeps out have each value
 */
export function tally(page, key, entries, counted, first = FIRST) {
  const most = Math.max(1, ...entries.map(({ count }) => count));
  const bars = entries.map((entry) => bar(page, key, entry, most));
  const list = h("ul", { class: "tally" }, bars.slice(0, first).map(({ item }) => item));
  const rest = bars.length - first;
  const more = rest > 0 ? h("button", { type: "button", class: "link", onclick: () => widen() }, `${exact(rest)} more`) : "";
  function widen() {
    list.append(...bars.slice(first).map(({ item }) => item));
    more.remove();
    list.querySelectorAll("button")[first]?.focus();
  }
  page.selection.on(() => {
    const chosen = page.selection.values(key);
    const counts = page.fleet.whole && page.selection.any ? counted() : null;
    for (const { entry, set } of bars) set(chosen.includes(entry.value), counts ? (counts.get(entry.value) ?? 0) : entry.count);
  });
  return h("div", {}, list, more);
}

function bar(page, key, entry, most) {
  const { value, label, count, note, tone, below } = entry;
  const number = h("span", { class: "number" });
  const inner = h("i", { "aria-hidden": "true" });
  const button = h("button", { type: "button", onclick: () => page.selection.toggle(key, value) },
    h("span", { class: "label" }, label), note ? h("span", { class: `soft ${tone ?? ""}` }, note) : null, number,
    h("i", { class: "all", "aria-hidden": "true", style: `inline-size:${(100 * count) / most}%` }), inner);
  const set = (pressed, shown) => {
    button.setAttribute("aria-pressed", String(pressed));
    number.textContent = of(shown, count);
    inner.style.inlineSize = `${(100 * shown) / most}%`;
  };
  return { entry, set, item: h("li", {}, button, below ?? null) };
}

/** How many models that nothing but one key keeps out have each value of a column. */
export function counts(page, key, column) {
  const passes = page.selection.butFor(key);
  const found = new Map();
  for (let row = 0; row < page.models.length; row += 1) {
    if (!passes(row)) continue;
    const value = column[row] ?? null;
    found.set(value, (found.get(value) ?? 0) + 1);
  }
  return found;
}

/** The same where each row has several values; rows that share a list are counted at once. */
export function countsOfLists(page, key, column) {
  const found = new Map();
  for (const [list, n] of counts(page, key, column)) for (const value of list ?? []) found.set(value, (found.get(value) ?? 0) + n);
  return found;
}
