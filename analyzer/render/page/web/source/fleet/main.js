// Which views a fleet's page has, in their order.
import { theme } from "../theme.js";
import { chosen } from "./chosen.js";
import { Fleet } from "./fleet.js";
import { selected } from "./selected.js";
import { failures } from "./views/failures.js";
import { figures } from "./views/figures.js";
import { kinds } from "./views/kinds.js";
import { limits } from "./views/limits.js";
import { models } from "./views/models.js";
import { operators } from "./views/operators.js";
import { outliers } from "./views/outliers.js";
import { scatter } from "./views/scatter.js";
import { summary } from "./views/summary.js";

const VIEWS = [summary, figures, scatter, kinds, operators, failures, limits, outliers, models];

Fleet.open().then((page) => {
  page.show(VIEWS);
  selected(page);
  chosen(page);
  theme(page);
  document.documentElement.dataset.ready = "yes"; // what a test waits for
});
