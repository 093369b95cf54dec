// Documents as cnnscope writes them for every form (headings, pairs, tables, derivations), as elements.
import { h } from "./elements.js";

/** @param {any[]} blocks @returns {HTMLElement[]} */
export function laid(blocks) {
  return blocks.map((block) => FORMS[block.is](block));
}

const FORMS = {
  heading: ({ text, level }) => h(`h${Math.min(6, Math.max(3, level))}`, {}, capital(text)),
  pairs: ({ rows }) =>
    h("dl", { class: "pairs" }, rows.flatMap(([head, text, tone]) => [h("dt", {}, head), h("dd", { class: tone || null }, text)])),
  figures: ({ rows }) =>
    grid(["", "", ""], [false, true, false], rows),
  notes: ({ rows }) =>
    h("ul", { class: "notes" }, rows.map(([severity, about, text, tone]) =>
      h("li", { class: severity || tone || null }, severity ? h("b", {}, `${severity}: `) : null, about ? h("b", {}, `${about}: `) : null, text))),
  prose: ({ texts }) => h("div", { class: "prose" }, texts.map((text) => h("p", {}, ...code(text)))),
  derivation: ({ rows }) =>
    h("div", { class: "derivation" }, rows.map(([label, formula, numbers, sign, result]) =>
      h("div", { class: "line" },
        h("span", { class: "label" }, label),
        h("span", { class: "formula" }, formula),
        numbers && numbers !== formula ? h("span", { class: "formula soft" }, numbers) : null,
        h("output", {}, `${sign} ${result}`)))),
  picture: ({ lines }) => h("pre", { class: "picture" }, lines.join("\n")),
  table: ({ titles, right, rows, tones, more }) => [grid(titles, right, rows, tones), more ? h("p", { class: "soft" }, `\u2026 ${more}`) : null],
  fold: ({ summary, blocks }) => h("details", {}, h("summary", {}, summary), ...laid(blocks).flat()),
};

function grid(titles, right, rows, tones) {
  const side = (i) => (right[i] ? "number" : null);
  const titled = (title, i) => (title ? h("th", { scope: "col", class: side(i) }, title) : h("td"));
  const head = titles.some(Boolean) ? h("thead", {}, h("tr", {}, titles.map(titled))) : null;
  const body = rows.map((row, n) => h("tr", { class: tones?.[n] || null }, row.map((text, i) => h("td", { class: side(i) }, text))));
  return h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": titles.filter(Boolean).join(", ") || "figures" },
    h("table", {}, head, h("tbody", {}, body)));
}

function code(text) {
  return text.split(/`([^`]+)`/).map((piece, i) => (i % 2 ? h("code", {}, piece) : piece));
}

function capital(text) {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
