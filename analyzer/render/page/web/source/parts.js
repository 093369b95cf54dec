// What was written into the file: JSON, in a script element a part; large ones gzipped.

const cache = new Map();

/** Whether the file has this part. */
export function has(name) {
  return element(name) !== null;
}

/**
 * One part's data, read when first asked for.
 * @param {string} name
 * @returns {Promise<any>} null where the file has none
 */
export function part(name) {
  if (!cache.has(name)) cache.set(name, read(element(name)));
  return cache.get(name);
}

function element(name) {
  return document.querySelector(`script[data-part="${name}"]`);
}

async function read(script) {
  if (!script) return null;
  if (script.dataset.encoding !== "gzip") return JSON.parse(script.textContent);
  const bytes = Uint8Array.from(atob(script.textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}
