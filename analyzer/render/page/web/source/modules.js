// The modules of the model's source as a tree over layers; where a model names none, runs of layers stand for them.

/**
 * @typedef {object} Module
 * @property {string} key  its path, "" the model's
 * @property {string} name  its last step
 * @property {(Module|number)[]} children  modules and layers, in running order
 * @property {number[]} layers  all that are in it
 * @property {Module|null} parent
 */

const CROWD = 120; // so many layers side by side are parted into runs

/** @param {{steps: string[], paths: number[][]}} graph @returns {Module} */
export function tree({ steps, paths }) {
  const root = module("", "", null);
  paths.forEach((path, layer) => {
    let at = root;
    at.layers.push(layer);
    for (const step of path) {
      const name = steps[step];
      at = child(at, name);
      at.layers.push(layer);
    }
    at.children.push(layer);
  });
  thin(root);
  return root;
}

function module(key, name, parent) {
  return { key, name, parent, children: [], layers: [] };
}

function child(at, name) {
  const key = at.key ? `${at.key}/${name}` : name;
  // A module that comes again later is the same one, unless it would close a circle: it stands where it began.
  let found = at.children.find((x) => typeof x === "object" && x.key === key);
  if (!found) at.children.push((found = module(key, name, at)));
  return found;
}

/** Modules of one layer are that layer; crowds of layers are parted. */
function thin(at) {
  at.children = at.children.map((x) => (typeof x === "object" && x.layers.length === 1 ? x.layers[0] : x));
  for (const x of at.children) if (typeof x === "object") thin(x);
  if (at.children.length <= CROWD) return;
  const most = Math.ceil(Math.sqrt(at.children.length));
  const runs = [];
  for (let i = 0; i < at.children.length; i += most) {
    const members = at.children.slice(i, i + most);
    const layers = members.flatMap((x) => (typeof x === "object" ? x.layers : [x]));
    const run = module(`${at.key}#${runs.length}`, `layers ${layers[0]}\u2013${layers.at(-1)}`, at);
    Object.assign(run, { children: members, layers });
    for (const x of members) if (typeof x === "object") x.parent = run;
    runs.push(run);
  }
  at.children = runs;
}

/** Every module on the way to a layer, the outermost first. */
export function above(root, layer) {
  const found = [];
  let at = root;
  for (;;) {
    const next = at.children.find((x) => typeof x === "object" && x.layers.includes(layer));
    if (!next) return found;
    found.push(next);
    at = next;
  }
}
