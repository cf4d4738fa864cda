import {
  measureWords,
  type BranchKind,
  type TelemetryMeasure,
  type TelemetryRows,
} from "../train/telemetry.ts";
import { drawHoverHeat, type HeatMap } from "./heat.ts";
import { escapeText } from "./escape.ts";
import { showSize } from "./sizes.ts";

/** One measure of some edges over the observed steps, or the one number that it is everywhere. */
export type Panel = HeatMap | { readonly sentence: string };

interface View {
  readonly measure: TelemetryMeasure;
  /** Of branches of this kind alone; all edges if left out. */
  readonly branch?: BranchKind;
}

const gradientView: View = { measure: "gradient" };

/** What a report shows: attention and feed-forward apart, as the two differ and would draw stripes. */
const views: readonly View[] = [
  { measure: "rms" },
  gradientView,
  { measure: "share", branch: "attention" },
  { measure: "share", branch: "feed-forward" },
  { measure: "update", branch: "attention" },
  { measure: "update", branch: "feed-forward" },
  { measure: "entropy", branch: "attention" },
  { measure: "idle", branch: "feed-forward" },
];

/** Values that differ by less than a fiftieth are one number to an eye. */
const ALIKE = 1.02;

/** The panels of one run, each with the colours of `domains` where there are some: those of runs beside it. */
export const panelsOf = (
  telemetry: TelemetryRows,
  domains: Domains = domainsOf([telemetry]),
): readonly Panel[] => views.flatMap((view) => panelOf(telemetry, view, domains.get(keyOf(view))) ?? []);

/** The gradient at every edge alone: where depth takes it, nothing below learns. */
export const gradientPanel = (telemetry: TelemetryRows, domains: Domains): Panel | undefined =>
  panelOf(telemetry, gradientView, domains.get(keyOf(gradientView)));

/** Panels as HTML: figures beside each other, sentences below. */
export function panelFigures(panels: readonly Panel[]): string {
  const maps = panels.flatMap((panel) => ("sentence" in panel ? [] : [drawHoverHeat(panel)]));
  const sentences = panels.flatMap((panel) => ("sentence" in panel ? [panel.sentence] : []));
  return (
    `<div class="figures">${maps.join("\n")}</div>` +
    sentences.map((sentence) => `<p>${escapeText(sentence)}</p>`).join("\n")
  );
}

/** Of each view the range that its colours span. */
export type Domains = ReadonlyMap<string, readonly [number, number]>;

const keyOf = ({ measure, branch }: View): string => `${measure} ${branch ?? ""}`;

/** One range a view for several runs: from a hundredth to the ninety-ninth of all values, so that one odd cell hides no other. */
export function domainsOf(runs: readonly TelemetryRows[]): Domains {
  const domains = new Map<string, readonly [number, number]>();
  for (const view of views) {
    const values = runs
      .flatMap((run) => columnsOf(run, view).flatMap(({ index }) => run.rows.map((row) => row[index + 1]!)))
      .filter((value) => value > 0 && Number.isFinite(value))
      .sort((a, b) => a - b);
    if (values.length === 0) continue;
    const at = (share: number): number => values[Math.round(share * (values.length - 1))]!;
    const [low, high] = [at(0.01), at(0.99)];
    domains.set(keyOf(view), high / low < 3 ? [low / 2, high * 2] : [low, high]);
  }
  return domains;
}

/** The columns of a view, from the input up; of the matrices of a branch the last, at which its edge ends. */
function columnsOf({ columns }: TelemetryRows, { measure, branch }: View) {
  const found = new Map<number, { readonly index: number; readonly name: string }>();
  columns.forEach((column, index) => {
    if (column.measure !== measure || column.index === null) return;
    if (branch !== undefined && column.branch !== branch) return;
    const line = column.line === null ? "" : `, line ${column.line}`;
    const of = column.weight === undefined ? "" : `, ${column.weight}`;
    found.set(column.index, { index, name: `${column.edge ?? ""}${of}${line}` });
  });
  return [...found].sort(([a], [b]) => a - b).map(([, column]) => column);
}

function panelOf(
  telemetry: TelemetryRows,
  view: View,
  domain: readonly [number, number] | undefined,
): Panel | undefined {
  const columns = columnsOf(telemetry, view);
  const { rows } = telemetry;
  if (columns.length === 0 || rows.length === 0) return undefined;
  const values = Float32Array.from(columns.flatMap(({ index }) => rows.map((row) => row[index + 1]!)));
  const unit = measureWords[view.measure];
  const title = view.branch === undefined ? capital(unit) : `${capital(unit)}, ${view.branch}`;
  const shown = values.filter((value) => value > 0 && Number.isFinite(value));
  const [low, high] = [least(shown), most(shown)];
  if (domain === undefined || shown.length === 0)
    return { sentence: `${title}: 0 at every edge and every observed step.` };
  if (shown.length === values.length && high / low < ALIKE)
    return { sentence: `${title}: ${showSize(low)} at every edge and every observed step.` };
  return {
    title,
    unit,
    rows: columns.map(({ name }) => name),
    steps: rows.map((row) => row[0]!),
    values,
    domain,
  };
}

const least = (values: Float32Array): number => values.reduce((a, b) => Math.min(a, b), Infinity);
const most = (values: Float32Array): number => values.reduce((a, b) => Math.max(a, b), 0);

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
