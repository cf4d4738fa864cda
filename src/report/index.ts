/**
 * `lmg/report`: what was found of a model as texts, tables, and HTML and SVG that stand alone. No function touches files, and
 * nothing here needs Node.
 */
export { edgeTable, type EdgeRow } from "./edges.ts";
export { edgeRows } from "./edge-rows.ts";
export { probePicture, probeReport } from "./probe.ts";
export { caseName, float32Note, lineWords, linesNote, withheldNotes } from "./probed.ts";
export { describeRun, type ReportedRun } from "./run.ts";
export { trainingReport, type Measure, type TrainingReport } from "./training.ts";
export type { EvaluationLine, MetricsLine, StepLine } from "../train/lines.ts";
