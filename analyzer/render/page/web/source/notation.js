// Numbers as cnnscope writes them: 4.09 G, 97.4 MiB; what isn't known is a question mark, never 0.

const STEPS = ["", " k", " M", " G", " T", " P", " E"];
const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

export const UNKNOWN = "?";

/** A count with three digits: 25.53 M. */
export function count(n) {
  if (typeof n === "string") return n;
  if (n === null || n === undefined) return UNKNOWN;
  const [value, step] = stepped(n, 1000, 999.5, STEPS);
  return digits(value, step === 0) + STEPS[step];
}

export function nbytes(n) {
  if (typeof n === "string") return n;
  if (n === null || n === undefined) return UNKNOWN;
  const [value, step] = stepped(n, 1024, 1023.95, BINARY);
  return `${digits(value, step === 0)} ${BINARY[step]}`;
}

/** A number in the largest unit of which it is one at least, and which unit that is. */
function stepped(n, base, most, units) {
  let step = 0;
  while (Math.abs(n) >= most && step < units.length - 1) {
    n /= base;
    step += 1;
  }
  return [n, step];
}

export function share(x) {
  if (x === null || x === undefined) return UNKNOWN;
  return `${(100 * x).toFixed(x && x < 0.0995 ? 1 : 0)} %`;
}

/** A time in seconds with three digits: 12.3 ms. */
export function duration(seconds) {
  if (typeof seconds === "string") return seconds;
  if (seconds === null || seconds === undefined) return UNKNOWN;
  if (!seconds) return "0 s";
  const [unit, factor] = [["s", 1], ["ms", 1e3], ["\u00b5s", 1e6]].find(([, times]) => Math.abs(seconds) * times >= 0.9995) ?? ["ns", 1e9];
  return `${three(seconds * factor)} ${unit}`;
}

/** A rate per second with three digits and a decimal prefix: 230 GFLOP/s. */
export function rate(n, unit) {
  if (n === null || n === undefined) return UNKNOWN;
  const [value, step] = stepped(n, 1000, 999.5, STEPS);
  return `${three(value)} ${STEPS[step].trim()}${unit}`;
}

/** Every digit, in groups of three. */
export function exact(n) {
  return n === null || n === undefined ? UNKNOWN : typeof n === "number" ? n.toLocaleString("en") : String(n);
}

function digits(n, whole) {
  if (whole && Number.isInteger(n)) return String(n);
  const size = Math.abs(n);
  return n.toFixed(size >= 99.95 ? 1 : 2);
}

function three(n) {
  const size = Math.abs(n);
  return n.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
}
