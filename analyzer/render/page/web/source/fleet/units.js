// How figures of models are written, and short at an axis.
import { count, exact, nbytes } from "../notation.js";

export const UNITS = { count, bytes: nbytes, length: (n) => (n === null || n < 1e4 ? exact(n) : count(n)) };

/** Without noughts that say nothing: 1 k, 3.16 k. */
export function short(text) {
  return text.replace(/\.0+(?= |$)/, "").replace(/(\.\d*[1-9])0+(?= |$)/, "$1");
}

/** A number of things: 1 model, 12,000 models. */
export function many(n, what) {
  return `${exact(n)} ${what}${n === 1 ? "" : "s"}`;
}

/** A number of models of a larger number: 12 of 104. */
export function of(part, whole) {
  return part === whole ? exact(whole) : `${exact(part)} of ${exact(whole)}`;
}
