// Builds ../built from source/: one script, one style sheet, and the licences of what is in them.
// `npm ci && npm run build`; the same lockfile gives the same bytes (.ci/page compares them).
import { build } from "esbuild";
import { readFile, readdir, writeFile, mkdir } from "node:fs/promises";
import path from "node:path";

const built = path.resolve(process.argv[2] ?? "../built");
await mkdir(built, { recursive: true });
const { metafile } = await build({
  entryPoints: { page: "source/main.js" },
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "ascii",
  legalComments: "none",
  metafile: true,
  outfile: path.join(built, "page.js"),
});
await build({
  entryPoints: ["source/page.css"],
  bundle: true,
  minify: true,
  charset: "ascii",
  outfile: path.join(built, "page.css"),
});

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
