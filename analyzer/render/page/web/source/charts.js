// What charts over layers share: they are as wide as their place, a click chooses a layer, the chosen one is marked.

/** A chart's own label says what it shows; those that Plot gives its groups aren't allowed on them. */
export function labelled(figure) {
  for (const group of figure.querySelectorAll("g[aria-label]")) group.removeAttribute("aria-label");
  figure.setAttribute("role", "img");
  return figure;
}

/**
 * Draw into a place now and whenever its width changes.
 * @param {HTMLElement} place
 * @param {(width: number) => SVGElement|HTMLElement} draw
 * @param {(figure: SVGElement|HTMLElement) => void} [then]
 * @returns {() => void} what ends it
 */
export function fitted(place, draw, then) {
  let drawn = 0;
  const redraw = () => {
    const width = Math.max(280, Math.floor(place.clientWidth));
    if (width === drawn) return;
    drawn = width;
    const figure = labelled(draw(width));
    place.replaceChildren(figure);
    then?.(figure);
  };
  const watching = new ResizeObserver(redraw);
  watching.observe(place);
  redraw();
  return () => watching.disconnect();
}

/**
 * Draw a chart over layers into its place; let it choose and mark them.
 * @param {HTMLElement} place
 * @param {import("./page.js").Page} page
 * @param {(width: number) => SVGElement|HTMLElement} draw a Plot chart whose x is the layer's index
 */
export function follow(place, page, draw) {
  place.leave?.();
  const hear = (event) => event.detail.has("layer") && mark(place, page);
  page.state.addEventListener("change", hear);
  const end = fitted(place, draw, (figure) => marked(place, figure, page));
  place.leave = () => {
    end();
    page.state.removeEventListener("change", hear);
  };
}

function marked(place, figure, page) {
  const svg = figure.tagName === "svg" ? figure : figure.querySelector("svg");
  const x = figure.scale("x");
  place.drawn = { svg, x, range: figure.scale("y").range };
  svg.style.cursor = "crosshair";
  const at = (event) => {
    const scale = svg.viewBox.baseVal.width / svg.getBoundingClientRect().width;
    const index = Math.round(x.invert((event.clientX - svg.getBoundingClientRect().left) * scale));
    return Math.min(page.layers.length - 1, Math.max(0, index));
  };
  svg.addEventListener("click", (event) => page.choose(at(event)));
  const title = document.createElementNS(svg.namespaceURI, "title");
  svg.prepend(title);
  svg.addEventListener("pointermove", (event) => {
    const layer = at(event);
    title.textContent = `${layer}: ${page.layers.get("path", layer)}`;
    if (layer !== place.pointed) place.dispatchEvent(new CustomEvent("layer", { detail: (place.pointed = layer) }));
  });
  mark(place, page);
}

function mark(place, page) {
  const { svg, x, range } = place.drawn;
  svg.querySelector(".mark")?.remove();
  const layer = page.state.get("layer");
  if (layer === null) return;
  const line = document.createElementNS(svg.namespaceURI, "line");
  for (const [name, value] of [["x1", x.apply(layer)], ["x2", x.apply(layer)], ["y1", Math.min(...range)], ["y2", Math.max(...range)], ["class", "mark"]]) line.setAttribute(name, value);
  svg.append(line);
}

/** Round numbers from 0 on, of bytes in the unit that they are written in. */
export function ticks(most, bytes, about = 5) {
  let unit = 1;
  while (bytes && most / unit >= 1024) unit *= 1024;
  const wished = most / unit / about || 1;
  const power = 10 ** Math.floor(Math.log10(wished));
  const step = [1, 2, 5, 10].find((x) => x * power >= wished) * power * unit;
  return Array.from({ length: Math.floor(most / step + 1e-9) + 1 }, (_, i) => i * step);
}
