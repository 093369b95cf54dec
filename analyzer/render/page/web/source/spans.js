// Which indices of an axis does a unit see? Read from the runs in which the part `regions` has them.

/** @typedef {[number, number][]} Spans inclusive, in order */

/**
 * @param {[number, number, number, number, Spans][]} runs first unit, units apart, how many, moved by, spans
 * @param {number} unit
 * @returns {Spans|null} null for a unit that wasn't asked
 */
export function spansOf(runs, unit) {
  for (const [first, apart, count, by, spans] of runs) {
    const k = (unit - first) / apart;
    if (Number.isInteger(k) && k >= 0 && k < count) return spans.map(([lo, hi]) => [lo + k * by, hi + k * by]);
  }
  return null;
}

/** The units that were asked, in order. */
export function unitsOf(runs) {
  return runs.flatMap(([first, apart, count]) => Array.from({ length: count }, (_, k) => first + k * apart));
}

/** What is in both. @returns {Spans} */
export function both(a, b) {
  const found = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const lo = Math.max(a[i][0], b[j][0]);
    const hi = Math.min(a[i][1], b[j][1]);
    if (lo <= hi) found.push([lo, hi]);
    if (a[i][1] < b[j][1]) i += 1;
    else j += 1;
  }
  return found;
}

export function size(spans) {
  return spans.reduce((sum, [lo, hi]) => sum + hi - lo + 1, 0);
}

/** In words: 0-10, 12, 14-20. */
export function words(spans, most = 4) {
  const texts = spans.slice(0, most).map(([lo, hi]) => (lo === hi ? `${lo}` : `${lo}\u2013${hi}`));
  return spans.length > most ? `${texts.join(", ")}, \u2026 ${spans.at(-1)[1]} (${spans.length} ranges)` : texts.join(", ");
}
