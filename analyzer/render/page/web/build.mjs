// Builds ../built from source/: a script and a style sheet of each kind of page, and the licences of what is in them.
// `npm ci && npm run build`; the same lockfile gives the same bytes (.ci/page compares them).
import { build } from "esbuild";
import { readFile, readdir, writeFile, mkdir } from "node:fs/promises";
import path from "node:path";

const built = path.resolve(process.argv[2] ?? "../built");
await mkdir(built, { recursive: true });
const bundled = (entryPoints) =>
  build({ entryPoints, bundle: true, minify: true, format: "iife", target: "es2022", charset: "ascii", legalComments: "none", metafile: true, outdir: built });
const { metafile } = await bundled({ page: "source/main.js" });
const fleet = await bundled({ fleet: "source/fleet/main.js" });
for (const name of Object.keys(fleet.metafile.inputs)) {
  if (name.startsWith("node_modules/")) throw new Error(`${name}: the fleet's page says that no library is in it`);
}
await build({ entryPoints: { page: "source/page.css", fleet: "source/fleet/fleet.css" }, bundle: true, minify: true, charset: "ascii", outdir: built });

// Every package that a byte of the script comes from, with its licence's whole text.
const packages = new Set();
for (const file of Object.keys(metafile.inputs)) {
  const found = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file);
  if (found) packages.add(found[1]);
}
const texts = [];
for (const name of [...packages].sort()) {
  const folder = path.join("node_modules", name);
  const { version, license } = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8"));
  const files = (await readdir(folder)).filter((file) => /^licen[cs]e/i.test(file)).sort();
  if (!files.length) throw new Error(`${name} has no licence file`);
  const text = await readFile(path.join(folder, files[0]), "utf8");
  texts.push(`${name} ${version} (${license})\n\n${text.trim()}\n`);
}
await writeFile(path.join(built, "licenses.txt"), texts.join(`\n${"-".repeat(80)}\n\n`));
