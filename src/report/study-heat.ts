import { reasonWords } from "../study/early.ts";
import { showRate, showSet } from "../study/grid.ts";
import type { RunResult } from "../study/result.ts";
import type { Summary, SummaryRow } from "../study/summary.ts";
import type { TelemetryRows } from "../train/telemetry.ts";
import type { Size } from "./figure.ts";
import { drawHeat } from "./heat.ts";
import { heading, paragraph, subheading } from "./html.ts";
import { pictureOfDrawings } from "./svg.ts";
import { domainsOf, gradientPanel, panelFigures, panelsOf, type Domains } from "./telemetry-figures.ts";

/** The runs of a study, and what was seen while they were made. */
export interface ObservedStudy {
  readonly summary: Summary;
  readonly results: readonly RunResult[];
  /** What was measured of the edges of a run, by the run's name. */
  readonly telemetry: ReadonlyMap<string, TelemetryRows>;
}

/** A placement's run that stands for it: at its best rate, with the first seed. */
interface Chosen {
  readonly row: SummaryRow;
  readonly run: RunResult;
  readonly rows: TelemetryRows;
}

function chosenRuns({ summary, results, telemetry }: ObservedStudy): readonly Chosen[] {
  return summary.rows.flatMap((row) => {
    const own = results.filter(({ set }) => summary.axes.every((axis) => set[axis] === row.set[axis]));
    const rate = row.best?.rate ?? own[0]?.rate;
    const run = own.find((one) => one.rate === rate);
    const rows = run && telemetry.get(run.name);
    return rows === undefined ? [] : [{ row, run: run!, rows }];
  });
}

/** One range of colours for all: that of the runs that finished, as one that grew beyond all bounds would leave the others one colour. */
function commonDomains(chosen: readonly Chosen[]): Domains {
  const finished = chosen.filter(({ run }) => run.stopped === null);
  return domainsOf((finished.length === 0 ? chosen : finished).map(({ rows }) => rows));
}

/** Every measure of each placement by depth and step. */
export function heatSections(study: ObservedStudy): readonly string[] {
  const chosen = chosenRuns(study);
  if (chosen.length === 0) return [];
  const domains = commonDomains(chosen);
  return [
    heading("Edges by depth and step"),
    paragraph(
      "A row is a residual edge, the input below; a column is a step that was observed. Each placement at its best rate, seed 1; colours span the same in all.",
    ),
    ...chosen.flatMap(({ run, rows }) => [
      subheading(`${showSet(run.set)}, rate ${showRate(run.rate)}${endOf(run)}`),
      panelFigures(panelsOf(rows, domains)),
    ]),
  ];
}

function endOf({ stopped, alarm }: RunResult): string {
  const end = stopped === null ? "" : `; stopped at step ${stopped.step}: ${reasonWords[stopped.why]}`;
  if (alarm === null) return end;
  const line = alarm.line === null ? "" : ` (line ${alarm.line})`;
  return `${end}; alarm at step ${alarm.step}: ${alarm.measure} of ${alarm.edge}${line} went ${alarm.direction}`;
}

/** Three in a row of a page. */
const small: Size = { width: 300, height: 190 };

/**
 * The gradient at every edge over the steps as one SVG: a heat map for each value of the compared axis, at the last of all others; a
 * map that would be one number is left out. Undefined if nothing was observed.
 */
export function heatPicture(study: ObservedStudy): string | undefined {
  const [compared = "", ...others] = study.summary.axes;
  const last = study.summary.rows.at(-1)?.set ?? {};
  const chosen = chosenRuns(study).filter(({ row: { set } }) =>
    others.every((axis) => set[axis] === last[axis]),
  );
  const domains = commonDomains(chosen);
  const maps = chosen.flatMap(({ run, rows }) => {
    const panel = gradientPanel(rows, domains);
    if (panel === undefined || "sentence" in panel) return [];
    const end = run.stopped === null ? "" : `, stopped at ${run.stopped.step}`;
    const title = `${run.set[compared] ?? "the model"}, rate ${showRate(run.rate)}${end}`;
    return [drawHeat({ ...panel, title, note: `${panel.unit}, by edge from below ↑` }, small)];
  });
  return maps.length === 0 ? undefined : pictureOfDrawings(maps, Math.min(3, maps.length), small);
}
