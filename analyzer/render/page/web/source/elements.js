// Elements of the page. Texts only ever become text nodes: no name in a model is markup.

/**
 * `h("p", {class: "note"}, "text", child)`: an element with attributes, listeners (`onclick`) and children.
 * @param {string} tag
 * @param {Record<string, any>} [attributes] null and false leave one out
 * @param {...(Node|string|number|null|undefined|(Node|string)[])} children
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((x) => x !== null && x !== undefined));
  return element;
}

/** A button that is one of several choices. */
export function choices(label, options, chosen, choose) {
  const group = h("div", { class: "choices", role: "group", "aria-label": label });
  for (const [value, text] of options) {
    group.append(
      h("button", { type: "button", "aria-pressed": String(value === chosen), onclick: () => choose(value) }, text),
    );
  }
  return group;
}

/** A table of rows of cells; the first cell heads its row. */
export function facts(rows) {
  return h("dl", { class: "facts" }, rows.map(([head, ...text]) => [h("dt", {}, head), h("dd", {}, ...text)]).flat());
}
