// Which views the page has, in their order. Each is made when it comes near the screen.
import { Page } from "./page.js";
import { inspector } from "./inspector.js";
import { theme } from "./theme.js";
import { budgets } from "./views/budgets.js";
import { cost } from "./views/cost.js";
import { difference } from "./views/difference.js";
import { field } from "./views/field.js";
import { findings } from "./views/findings.js";
import { graph } from "./views/graph.js";
import { layers } from "./views/layers.js";
import { roofline } from "./views/roofline.js";
import { run } from "./views/run.js";
import { sight } from "./views/sight.js";
import { sizes } from "./views/sizes.js";
import { memory } from "./views/memory.js";
import { tiles } from "./views/tiles.js";
import { summary } from "./views/summary.js";

const VIEWS = [summary, difference, budgets, run, cost, memory, roofline, field, sight, tiles, sizes, graph, findings, layers];

Page.open().then((page) => {
  page.show(VIEWS);
  inspector(page);
  theme(page);
  document.documentElement.dataset.ready = "yes"; // what a test waits for
});
