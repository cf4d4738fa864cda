import { explainEdges } from "../passes/explain.ts";
import { isEvaluation, type EvaluationLine, type MetricsLine, type StepLine } from "../train/lines.ts";
import type { Training } from "../train/trainer.ts";
import { draw } from "../picture/draw.ts";
import type { Graph } from "../ir/graph.ts";
import type { TelemetryRows } from "../train/telemetry.ts";
import { edgeRows } from "./edge-rows.ts";
import type { TrainingReport } from "./training.ts";

/** A run of a training, as far as it came. */
export interface ReportedRun {
  readonly title: string;
  readonly command: string;
  /** How it ended, a sentence each. */
  readonly notes: readonly string[];
  readonly batch: number;
  readonly training: Training;
  readonly lines: readonly MetricsLine[];
  /** The model's graph as it was lowered, which is drawn beside the edges. */
  readonly graph?: Graph | undefined;
  readonly telemetry?: TelemetryRows | undefined;
}

/** What `trainingReport` tells of a run: its curves, its settings, its residual edges. */
export function describeRun({
  title,
  command,
  notes,
  batch,
  training,
  lines,
  graph,
  telemetry,
}: ReportedRun): TrainingReport {
  const { program, settings, batches } = training;
  const { optimizer, schedule, rate, steps, patience, accumulate, clip, seed } = settings;
  const evaluations = lines.filter(isEvaluation);
  const updates = lines.filter((line): line is StepLine => !isEvaluation(line));
  const curve = (name: string) => updates.map((line) => ({ x: line.step, y: line[name]! }));
  const validation = (name: string) =>
    evaluations.map((line: EvaluationLine) => ({ x: line.step, y: line.validation[name]! }));
  const explained = explainEdges(program.update.graph, program.update.remarks);
  return {
    title,
    command,
    telemetry,
    picture: graph && draw(graph),
    notes,
    settings: [
      ["data", batches.description],
      ["optimizer", showOptions(optimizer.name, optimizer)],
      ["learning rate", `${rate}, ${schedule ? showOptions(schedule.name, schedule.options) : "constant"}`],
      ["steps", `${steps} of ${accumulate === 1 ? "" : `${accumulate} batches of `}${batch} rows`],
      ...(patience === undefined
        ? []
        : [["patience", `${patience} evaluations without a smaller validation loss`] as const]),
      ["gradients", clip === undefined ? "not clipped" : `clipped to a norm of ${clip}`],
      ["seed", String(seed)],
    ],
    measures: program.measures.map((name) => ({
      name,
      training: curve(name),
      validation: validation(name),
    })),
    texts: evaluations.flatMap(({ step, sample }) => (sample === undefined ? [] : [{ step, ...sample }])),
    learningRate: curve("lr"),
    gradientNorm: curve("gradient_norm"),
    edges: edgeRows(explained).map((row) => ({
      ...row,
      gains: asLearned(row.gains),
    })),
  };
}

/** `branch alpha: scale([1], init: 0)` is `branch alpha (learned)`: what it began as it is no more. */
export const asLearned = (gains: string): string =>
  gains.replace(
    /(?:([\w.]+): )?\b(scale|parameter)\((?:[^()]|\([^()]*\))*\)/g,
    (_, label?: string, layer?: string) => `${label ?? layer ?? ""} (learned)`,
  );

/** `adamw (betas 0.9 and 0.99, eps 1e-8, decay 0.1)` */
function showOptions(name: string, options: object): string {
  const shown = Object.entries(options).flatMap(([key, value]: [string, unknown]) =>
    key === "name" ? [] : [`${key} ${Array.isArray(value) ? value.join(" and ") : String(value)}`],
  );
  return shown.length === 0 ? name : `${name} (${shown.join(", ")})`;
}
