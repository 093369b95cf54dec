// What layers are coloured and measured by: each a column of the table of layers.
import { count, duration, nbytes } from "./notation.js";

/** @type {[string, string, (n: number) => string][]} column, name, how it is written */
const METRICS = [
  ["macs", "MACs", count],
  ["params", "parameters", count],
  ["flops", "FLOPs", count],
  ["bytes_written", "activation bytes", nbytes],
  ["weight_bytes", "weight bytes", nbytes],
  ["traffic_bytes", "traffic", nbytes],
  ["seconds", "time when run", duration],
  ["least_seconds", "least time", duration],
];

/** Those that this page has figures of. */
export function metrics(page) {
  return METRICS.filter(([key]) => page.layers.column(key).some((value) => typeof value === "number")).map(
    ([key, name, write]) => ({ key, name, write }),
  );
}

/** The one chosen, or the first. */
export function metric(page) {
  const all = metrics(page);
  return all.find(({ key }) => key === page.state.get("metric")) ?? all[0];
}

/** A sum over layers; `open` where some of them aren't known. */
export function sum(page, key, layers) {
  let total = 0;
  let open = false;
  for (const layer of layers) {
    const value = page.layers.get(key, layer);
    if (typeof value === "number") total += value;
    else open = true;
  }
  return { total, open };
}
