// Are limits kept, which aren't, and by how many models?
import { h } from "../../elements.js";
import { exact } from "../../notation.js";
import { countsOfLists, tally } from "../tally.js";
import { many } from "../units.js";

export const limits = {
  id: "limits",
  title: "Limits",
  lead: "How many models keep their limits, and which limits aren't kept?",
  parts: ["limits"],
  async mount(section, page) {
    const { kept, exceeded, unknown, over, open } = await page.part("limits");
    section.append(
      h("p", {}, `Kept by ${many(kept, "model")}, not kept by ${exact(exceeded)}; of ${exact(unknown)} it can't be told.`),
      over.length ? h("div", {}, h("h3", {}, "Not kept"), tally(page, "over", over.map(([value, count]) => ({ value, label: value, count })), () => countsOfLists(page, "over", page.models.column("exceeded")))) : "",
      open.length ? h("details", {}, h("summary", {}, `Limits of which it can't be told: ${open.length}`), h("ul", { class: "plain" }, open.map(([text, n]) => h("li", {}, `${text}: ${many(n, "model")}`)))) : "",
    );
  },
};
