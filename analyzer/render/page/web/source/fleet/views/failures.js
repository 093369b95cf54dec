// Why is there no report of some models? Reasons that differ in names and numbers alone are one.
import { h } from "../../elements.js";
import { counts, tally } from "../tally.js";

export const failures = {
  id: "failures",
  title: "Failures",
  lead: "Why is there no report of some models, or one that contradicts itself?",
  parts: ["failures"],
  async mount(section, page) {
    const found = await page.part("failures");
    const entries = found.map(({ kind, said, count, path, error }) => ({
      value: `${kind}: ${said}`, label: said, note: kind, tone: "bad", count, below: example(page, page.state.index.get(path), path, error),
    }));
    section.append(h("div", { class: "reasons" }, tally(page, "why", entries, () => counts(page, "why", page.models.column("why")))));
  },
};

/** One model that failed so, and what is said of it. */
function example(page, row, path, error) {
  const named = row === undefined ? path : h("button", { type: "button", class: "link", onclick: () => page.choose(row) }, path);
  return h("p", { class: "soft example" }, "such as ", named, ": ", error);
}
