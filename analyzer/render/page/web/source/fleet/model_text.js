// How is what is known of a model written? By its column.
import { count, exact, nbytes, UNKNOWN } from "../notation.js";

const COUNTS = new Set(["params", "buffers", "macs", "flops"]);
const TITLES = {
  path: "model", params: "parameters", macs: "MACs", flops: "FLOPs", peak_activation_bytes: "peak activations", file_bytes: "file", weight_bytes: "weights' bytes",
  traffic_bytes: "bytes moved", ir_version: "file format", family: "mostly", rf_covers_input: "field covers the input", field: "largest field", input_length: "longest input axis", rf_global: "something sees everything",
  error_kind: "kind of error", weights: "weights", row: "place in the scan", graph: "equal graphs", uncounted: "not counted", free_dims: "free dimensions",
};

export function titled(name) {
  const axis = /^rf_([dhwl])$/.exec(name);
  return axis ? `field ${axis[1].toUpperCase()}` : (TITLES[name] ?? name.replaceAll("_", " "));
}

export function written(page, name, row) {
  const value = page.models.get(name, row);
  if (value === null || value === undefined) return UNKNOWN;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.join(", ") || "none";
  if (typeof value !== "number") return value || "none";
  if (COUNTS.has(name)) return count(value);
  return name.endsWith("_bytes") ? nbytes(value) : name === "opset" || name === "ir_version" ? String(value) : exact(value);
}
