// SVG elements. As for the page's other elements, texts only ever become text nodes.

const NAMESPACE = "http://www.w3.org/2000/svg";

export function svg(tag, attributes = {}) {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

export function text(value, x, y, kind, attributes = {}) {
  const element = svg("text", { x, y, class: kind, ...attributes });
  element.textContent = value;
  return element;
}

/** A click, Enter or the space bar. */
export function pressed(element, act) {
  element.addEventListener("click", act);
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    act(event);
  });
}
