// The first screen: what a deployer asks.
import { facts, h } from "../elements.js";

export const summary = {
  id: "summary",
  title: "Summary",
  lead: "What does this model cost, and what does it see?",
  parts: ["model"],
  mount(section, page) {
    section.append(facts(page.model.facts.map(({ head, text }) => [head, text])));
    for (const note of page.model.notes) section.append(h("p", { class: `note ${note.severity}` }, note.text));
  },
};
