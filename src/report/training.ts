import { smooth, thin } from "./curves.ts";
import type { EdgeRow } from "./edges.ts";
import { edgeTable } from "./edges.ts";
import type { Figure, Point, Series } from "./figure.ts";
import type { TelemetryRows } from "../train/telemetry.ts";
import { panelFigures, panelsOf } from "./telemetry-figures.ts";
import { plural } from "../support/text.ts";
import {
  beside,
  commandLine,
  definitions,
  figures,
  folded,
  heading,
  page,
  paragraph,
  preformatted,
} from "./html.ts";

/** A measure over the steps of a training, `x` being the number of the step. */
export interface Measure {
  /** `loss`, or the name of the metric. */
  readonly name: string;
  readonly training: readonly Point[];
  /** On the part that is not trained on; may be empty. */
  readonly validation: readonly Point[];
}

/** What the report of a training tells. */
export interface TrainingReport {
  readonly title: string;
  /** The line that started it. */
  readonly command: string;
  /** What it trained and how, a line each. */
  readonly settings: readonly (readonly [name: string, value: string])[];
  /** What happened, in sentences: how it ended, or which step made the first NaN. */
  readonly notes: readonly string[];
  /** The loss first, then the metrics. */
  readonly measures: readonly Measure[];
  readonly learningRate: readonly Point[];
  /** Of all gradients together, before clipping. */
  readonly gradientNorm: readonly Point[];
  readonly edges: readonly EdgeRow[];
  /** The model as `lmg draw` shows it, an SVG; undefined for none. */
  readonly picture?: string | undefined;
  /** What was measured of the edges while it trained. */
  readonly telemetry?: TelemetryRows | undefined;
  /** Texts that the model wrote while it trained, the first ones first. */
  readonly texts?: readonly WrittenText[] | undefined;
}

/** What a model wrote behind a prompt after a step. */
export interface WrittenText {
  readonly step: number;
  readonly prompt: string;
  readonly text: string;
}

/** Points that a curve of a report has at most: about two a pixel. */
const detail = 800;

/** The report of a training as one HTML file: its curves, and what became of its residual edges. */
export function trainingReport(report: TrainingReport): string {
  const { title, command, settings, notes, measures, learningRate, gradientNorm, edges, picture, telemetry } =
    report;
  const { texts = [] } = report;
  const gradient: Figure = {
    title: "Norm of all gradients",
    x: steps,
    y: { label: "before clipping, log scale", scale: "log" },
    series: smoothed("", 2, gradientNorm),
  };
  const rate: Figure = {
    title: "Learning rate",
    x: steps,
    y: { label: "per step" },
    series: [{ label: "", tone: 3, style: "line", points: thin(learningRate, detail) }],
  };
  return page(title, [
    commandLine(command),
    ...notes.map(paragraph),
    figures([...measures.map(measureFigure), gradient, ...(isConstant(learningRate) ? [] : [rate])]),
    ...(telemetry === undefined
      ? []
      : [
          heading("Edges by depth and step"),
          paragraph("A row is a residual edge, the input below; a column is a step that was observed."),
          panelFigures(panelsOf(telemetry)),
        ]),
    ...(texts.length === 0 ? [] : [heading("What the model wrote"), ...writtenTexts(texts)]),
    heading("Settings"),
    definitions(settings),
    ...(edges.length === 0
      ? []
      : [heading("Residual edges of the training step"), beside(picture, edgeTable(edges))]),
  ]);
}

/** The last text, which is that of the model as it is; those before it in a part that is opened. */
function writtenTexts(texts: readonly WrittenText[]): readonly string[] {
  const shown = texts.map(
    ({ step, prompt, text }) =>
      `${paragraph(`After step ${step}, behind “${prompt}”:`)}${preformatted(prompt + text)}`,
  );
  const earlier = shown.slice(0, -1);
  return [
    shown.at(-1)!,
    ...(earlier.length === 0 ? [] : [folded(`${plural(earlier.length, "text")} before`, earlier.join(""))]),
  ];
}

/** Whether a curve tells no more than one number, which the settings have. */
const isConstant = (points: readonly Point[]): boolean => points.every(({ y }) => y === points[0]?.y);

const steps = { label: "step" };

const measureFigure = ({ name, training, validation }: Measure): Figure => ({
  title: name === "loss" ? "Loss" : name,
  x: steps,
  y: { label: "training smoothed; raw values faint" },
  series: [
    ...smoothed(validation.length === 0 ? "" : "training", 0, training),
    ...(validation.length === 0
      ? []
      : [{ label: "validation", tone: 1, style: "dotted", points: validation } as const]),
  ],
});

/** The raw values, faint, behind their mean over about a fortieth of the training. */
function smoothed(label: string, tone: number, points: readonly Point[]): readonly Series[] {
  const memory = Math.max(1, points.length / 40);
  return [
    { label: "", tone, style: "faint", points: thin(points, detail) },
    { label, tone, style: "line", points: thin(smooth(points, memory), detail) },
  ];
}
