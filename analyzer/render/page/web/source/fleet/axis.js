// An axis of a scatter: numbers to pixels and back, log or not, with its ticks; what is nought has a place before a log axis.
import { ticks as round } from "../charts.js";
import { short } from "./units.js";

const NOUGHT = 22; // pixels for what is nought, on a log axis

/**
 * @param {import("./fleet.js").Figure} figure
 * @param {boolean} log
 * @param {[number, number]} range in pixels
 */
export function axis(figure, log, range) {
  return log ? logarithmic(figure, range) : linear(figure, range);
}

function linear({ most, unit, write }, [start, end]) {
  const top = (most || 1) * 1.03;
  return {
    at: (n) => start + ((end - start) * n) / top,
    back: (pixel) => ((pixel - start) / (end - start)) * top,
    ticks: (many) => round(top, unit === "bytes", many).map((n) => ({ n, text: short(write(n)) })),
  };
}

function logarithmic({ edges, none, unit, write }, [start, end]) {
  const first = edges[0] === 0 ? edges[1] : edges[0];
  const [low, high] = [Math.log(first), Math.log(Math.max(edges.at(-1), first * 2))];
  const sign = Math.sign(end - start);
  const from = none ? start + sign * NOUGHT : start;
  const base = unit === "bytes" ? 1024 : 10;
  return {
    at: (n) => (n > 0 ? from + ((end - from) * (Math.log(n) - low)) / (high - low) : start + (sign * NOUGHT) / 3),
    back: (pixel) => ((pixel - from) * sign < 0 ? 0 : Math.exp(low + ((pixel - from) / (end - from)) * (high - low))),
    ticks: (many) => [...(none ? [{ n: 0, text: "0" }] : []), ...logs(low, high, base, many).map((n) => ({ n, text: short(write(n)) }))],
  };
}

function logs(low, high, base, many) {
  const [least, most] = [Math.ceil(low / Math.log(base) - 1e-9), Math.floor(high / Math.log(base) + 1e-9)];
  if (most - least < 2) {
    const fine = base === 1024 ? 2 : Math.sqrt(10);
    const of = (x) => x / Math.log(fine);
    const [from, to] = [Math.ceil(of(low) - 1e-9), Math.floor(of(high) + 1e-9)];
    const step = Math.max(1, Math.ceil((to - from) / many));
    return spread(from, to, step).map((e) => (base === 1024 ? 2 ** e : Math.round(fine ** e)));
  }
  return spread(least, most, Math.max(1, Math.ceil((most - least) / many))).map((e) => base ** e);
}

function spread(from, to, step) {
  const found = [];
  for (let e = from; e <= to; e += step) found.push(e);
  return found;
}
