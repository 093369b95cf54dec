// Tile by tile: which pixels are a tile's own, which it reads besides, and what tiles of some sizes cost.
import { svg } from "../drawing.js";
import { laid } from "../document.js";
import { h } from "../elements.js";

export const tiles = {
  id: "tiles",
  title: "Tiles",
  lead: "How is it run tile by tile? Choose a tile: dark is its own, light what it reads besides.",
  parts: ["tiling"],
  async mount(section, page) {
    const { axes, blocks } = await page.part("tiling");
    const [down, across] = axes.length > 1 ? axes.slice(-2) : [null, axes[0]];
    if (across) section.append(new Cut(page, down, across).element);
    section.append(...laid(blocks).flat().filter(Boolean));
  },
};

class Cut {
  constructor(page, down, across) {
    Object.assign(this, { page, down, across });
    this.place = h("div", { class: "cut" });
    this.said = h("p", { class: "readout", role: "status" });
    this.sliders = [down, across].map((axis, i) => axis && h("input", {
      type: "range", min: 0, max: axis.tiles.length - 1, "aria-label": `tile along axis ${axis.axis}`,
      oninput: (event) => this.choose(i, Number(event.target.value)) }));
    this.element = h("div", { class: "sight" }, this.place, h("div", { class: "sliders" }, this.said,
      ...this.sliders.map((slider, i) => slider && h("label", {}, `tile along axis ${[down, across][i].axis}`, slider))));
    page.state.on("tile", ({ tile }) => {
      const asked = String(tile ?? "").split(",").map(Number);
      this.at = [down, across].map((axis, i) => (axis ? Math.min(axis.tiles.length - 1, Math.max(0, Number.isInteger(asked[i]) && tile ? asked[i] : Math.floor(axis.tiles.length / 2))) : 0));
      this.draw();
    });
  }

  choose(i, tile) {
    const next = [...this.at];
    next[i] = tile;
    this.page.state.set({ tile: next.join(",") });
  }

  draw() {
    const { down, across, at } = this;
    const line = { length: across.length / 8, tiles: [[0, across.length / 8, 0, across.length / 8]] };
    const rows = down ?? line;
    const [top, bottom, readTop, readBottom] = rows.tiles[at[0]];
    const [left, right, readLeft, readRight] = across.tiles[at[1]];
    const drawing = svg("svg", { viewBox: `0 0 ${across.length} ${rows.length}`, role: "img", preserveAspectRatio: "xMinYMin meet" });
    const thin = across.length / 500;
    drawing.append(svg("rect", { class: "ground", width: across.length, height: rows.length, "stroke-width": thin }));
    drawing.append(svg("rect", { class: "read", x: readLeft, y: readTop, width: readRight - readLeft, height: readBottom - readTop, "stroke-width": 2 * thin }));
    drawing.append(svg("rect", { class: "own", x: left, y: top, width: Math.min(right, across.length) - left, height: Math.min(bottom, rows.length) - top }));
    for (const [start] of across.tiles) drawing.append(svg("line", { x1: start, x2: start, y1: 0, y2: rows.length, "stroke-width": thin }));
    if (down) for (const [start] of down.tiles) drawing.append(svg("line", { x1: 0, x2: across.length, y1: start, y2: start, "stroke-width": thin }));
    drawing.addEventListener("click", (event) => {
      const box = drawing.getBoundingClientRect();
      const find = (axis, where) => Math.max(0, axis.tiles.findLastIndex(([start]) => start <= where));
      const tile = [down ? find(down, ((event.clientY - box.top) / box.height) * rows.length) : 0, find(across, ((event.clientX - box.left) / box.width) * across.length)];
      this.page.state.set({ tile: tile.join(",") });
    });
    const said = [down && words(down, top, bottom, readTop, readBottom), words(across, left, right, readLeft, readRight)].filter(Boolean).join("; ");
    drawing.setAttribute("aria-label", said);
    this.said.textContent = said;
    this.sliders.forEach((slider, i) => slider && (slider.value = String(at[i])));
    this.place.replaceChildren(drawing);
  }
}

function words(axis, own, end, from, to) {
  return `axis ${axis.axis}: its own ${own}\u2013${Math.min(end, axis.length) - 1} of ${axis.length}, reads ${from}\u2013${to - 1} (${own - from} before, ${Math.max(0, to - end)} after)`;
}
