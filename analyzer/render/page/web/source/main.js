// Which views the page has, in their order. Each is made when it comes near the screen.
import { Page } from "./page.js";
import { inspector } from "./inspector.js";
import { theme } from "./theme.js";
import { layers } from "./views/layers.js";
import { summary } from "./views/summary.js";

const VIEWS = [summary, layers];

Page.open().then((page) => {
  page.show(VIEWS);
  inspector(page);
  theme();
  document.documentElement.dataset.ready = "yes"; // what a test waits for
});
