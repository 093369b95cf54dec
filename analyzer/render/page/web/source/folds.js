// Modules side by side that are the same but for their name stand as one, and so do their parts.

/**
 * What one cell stands for: a module or a layer, or several alike.
 * @typedef {object} Bundle
 * @property {string} name
 * @property {(import("./modules.js").Module|number)[]} instances in running order
 * @property {number[]} layers  of all instances
 * @property {boolean} folded  its instances stand side by side: their names are one
 */

/** @returns {Bundle} */
export function bundle(instances, page) {
  const [first] = instances;
  const name = typeof first === "number" ? shortest(page.layers.get("path", first)) : first.name || "the model";
  return { name, instances, layers: instances.flatMap((x) => (typeof x === "number" ? [x] : x.layers)), folded: false };
}

/** What is in it; null for a layer. @returns {Bundle[]|null} */
export function parts({ instances }, page) {
  const [first] = instances;
  if (typeof first === "number") return null;
  const alike = instances.every((x) => x.children.length === first.children.length && x.children.every((child, i) => size(child) === size(first.children[i])));
  const places = alike ? first.children.map((_, i) => instances.map((x) => x.children[i])) : instances.flatMap((x) => x.children.map((child) => [child]));
  return folded(places.map((each) => bundle(each, page)), page);
}

function folded(bundles, page) {
  const found = [];
  for (const next of bundles) {
    const last = found.at(-1);
    if (last && same(last, next, page)) last.members.push(next);
    else found.push({ ...next, members: [next] });
  }
  return found.map(({ members, ...one }) => {
    if (members.length === 1) return one;
    const instances = members.flatMap((x) => x.instances);
    const name = `${one.name}\u2013${members.at(-1).name} (${members.length}\u00d7)`;
    return { name, instances, layers: members.flatMap((x) => x.layers), folded: true };
  });
}

function same(one, other, page) {
  const [a, b] = [one.instances[0], other.instances[0]];
  return typeof a === "object" && typeof b === "object" && a.layers.length === b.layers.length && words(a, page) === words(b, page);
}

function words(module, page) {
  module.words ??= module.layers.map((i) => ["kind", "output", "params", "macs"].map((name) => page.layers.get(name, i)).join()).join(";");
  return module.words;
}

function size(child) {
  return typeof child === "number" ? 0 : child.layers.length;
}

function shortest(path) {
  return String(path).split("/").filter(Boolean).slice(-2).join("/");
}
