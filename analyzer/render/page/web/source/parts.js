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
  const text = atob(script.textContent);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}
