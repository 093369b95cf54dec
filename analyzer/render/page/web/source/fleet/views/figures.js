// How are the models' figures distributed? A histogram each, on a log axis; a range chosen in one counts in all.
import { choices, h } from "../../elements.js";
import { Histogram } from "../histogram.js";

const HEIGHTS = [["all", "of all models"], ["selected", "of the selected"], ["log", "log"]];

export const figures = {
  id: "figures",
  title: "Figures",
  lead: "How large are the models? Draw over bars, or move the two sliders, to select a range; everything else follows.",
  parts: ["distributions"],
  mount(section, page) {
    const scale = () => page.state.get("bars") ?? "all";
    const all = page.figures.filter(({ name }) => name !== "input_length").map((figure) => new Histogram(page, figure, scale));
    const tools = h("div", { class: "tools" });
    section.append(tools, h("div", { class: "histograms" }, all.map(({ element }) => element)));
    page.state.on("bars", () => {
      tools.replaceChildren(h("span", { class: "soft" }, "Heights:"), choices("Heights of bars", HEIGHTS, scale(), (value) => page.state.set({ bars: value === "all" ? null : value })));
      for (const one of all) one.update();
    });
  },
};
