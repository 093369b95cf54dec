// Which models are far from the others? Of each figure those beyond what is usual on a log axis, farthest first.
import { h } from "../../elements.js";
import { count as scaled, exact } from "../../notation.js";
import { many, short } from "../units.js";

const FIRST = 5;

export const outliers = {
  id: "outliers",
  title: "Outliers",
  lead: "Which models are far from the others? Beyond the quartiles by more than three times what lies between these, on a log axis.",
  mount(section, page) {
    const found = page.figures.filter(({ name, usual }) => usual && name !== "input_length").flatMap((figure) => sides(page, figure));
    section.append(found.length ? h("div", { class: "columns wider" }, found) : h("p", { class: "soft" }, "None: every figure of every model lies within that."));
  },
};

function sides(page, figure) {
  const [low, high] = figure.usual;
  const above = [];
  const below = [];
  figure.values.forEach((n, row) => {
    if (n > high) above.push(row);
    else if (n > 0 && n < low) below.push(row);
  });
  const { values } = figure;
  above.sort((a, b) => values[b] - values[a] || a - b);
  below.sort((a, b) => values[a] - values[b] || a - b);
  return [
    side(page, figure, below, `${figure.title}: far less`, [Math.max(1, figure.least), Math.ceil(low) - 1], figure.far[0]),
    side(page, figure, above, `${figure.title}: far more`, [Math.floor(high) + 1, figure.most], figure.far[1]),
  ].filter(Boolean);
}

function side(page, figure, rows, title, [from, to], count) {
  if (!rows.length) return null;
  const some = rows.length === count ? "" : `, ${exact(rows.length)} of them on this page`;
  return h("div", {}, h("h3", {}, title), h("p", { class: "soft" }, `${many(count, "model")}${some}; the median is ${figure.write(figure.median)} `,
    h("button", { type: "button", class: "link", onclick: () => page.state.set({ [figure.name]: `${from}..${to}` }) }, "Select them")),
    h("ol", { class: "far" }, rows.slice(0, FIRST).map((row) => h("li", {},
      h("button", { type: "button", class: "link", onclick: () => page.choose(row) }, page.shortPath(row)),
      h("span", { class: "number" }, figure.write(figure.values[row])), h("span", { class: "number soft" }, times(figure.values[row] / figure.median))))));
}

function times(x) {
  const rounded = (n) => (n >= 10 ? short(scaled(Number(n.toPrecision(2)))) : n.toFixed(1));
  return x >= 1 ? `${rounded(x)}\u00d7` : `1/${rounded(1 / x)}`;
}
