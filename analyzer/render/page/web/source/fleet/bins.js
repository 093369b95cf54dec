// The bins of a figure: which one a number is in, which numbers a bin has, where an axis over them is ticked.
import { short } from "./units.js";

/** The bin of each model; 255 where the figure isn't known. @returns {Uint8Array} */
export function placed({ values, edges }) {
  return Uint8Array.from(values, (n) => (Number.isNaN(n) ? 255 : bin(edges, n)));
}

export function bin(edges, n) {
  let low = 0;
  let high = edges.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (edges[middle] <= n) low = middle;
    else high = middle;
  }
  return low;
}

/** The whole numbers of some bins, both ends within. @returns {[number, number]} */
export function numbers({ edges }, first, last) {
  return [Math.ceil(edges[first]), Math.max(Math.ceil(edges[first]), Math.ceil(edges[last + 1]) - 1)];
}

/** Where between the edges a number is, as on the bins' axis: 2.5 is the middle of the third bin. */
export function along({ edges }, n) {
  const i = bin(edges, Math.max(n, edges[0]));
  const [low, high] = [edges[i], edges[i + 1] ?? edges[i]];
  if (low === 0) return n > 0 ? 1 : 0;
  return Math.min(edges.length - 1, i + (high > low ? Math.log(n / low) / Math.log(high / low) : 0));
}

/** Edges with round numbers, as many as there is room for. @returns {{at: number, text: string}[]} */
export function ticks({ edges, unit, write }, most) {
  const [base, steps] = unit === "bytes" ? [2, [2, 4, 6, 10, 20, 40, 80]] : [10, [3, 6, 12, 18, 36, 72]];
  const fine = unit === "bytes" ? 2 : 6;
  const first = edges[0] === 0 ? 1 : 0;
  const exponents = edges.map((n) => Math.round((Math.log(n) / Math.log(base)) * fine));
  for (const step of steps) {
    const found = exponents.flatMap((e, at) => (at >= first && e % step === 0 ? [{ at, text: short(write(rounded(edges[at]))) }] : []));
    if (found.length <= most) return [...(first ? [{ at: 0.5, text: "0" }] : []), ...found];
  }
  return [];
}

function rounded(n) {
  return n >= 100 ? Math.round(n) : Number(n.toPrecision(2));
}
