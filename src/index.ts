/**
 * `lmg`: the whole compiler in `compile`, and modules of what it gives. No function touches files, and nothing here needs
 * Node: the compiler runs in a browser. Graphs and plans are `lmg/ir`, trainings `lmg/train`, runs `lmg/run`.
 */
export { compile, type Compilation, type CompileOptions } from "./compile.ts";
export { format } from "./language/format.ts";

export type { Source, Span } from "./support/source.ts";
export { showDiagnostic, type Diagnostic, type Edit, type Label } from "./support/diagnostic.ts";
export { diagnosticRecord, type DiagnosticRecord } from "./support/record.ts";

export type { Dtype } from "./tensor/dtype.ts";
export type { Dim } from "./tensor/dim.ts";
export type { TensorType } from "./tensor/type.ts";
export type { HostTensor } from "./tensor/host.ts";
export type { LoweredModel } from "./lower/lower.ts";
export type { Edge, Graph, Node, Parameter, PartialGraph, Value } from "./ir/graph.ts";
export type { Plan } from "./plan/plan.ts";

export type { Remark } from "./passes/pass.ts";
export { explainEdges, type EdgeExplanation } from "./passes/explain.ts";
export { describeEdges, type EdgeDescription } from "./passes/describe-edges.ts";

export type { EmittedFile } from "./emit/module/file.ts";
export { emitTypeScript, type TypeScriptOptions } from "./emit/ts/emit.ts";
export { emitWgsl, type WgslOptions } from "./emit/wgsl/emit.ts";
export {
  checkFit,
  defaultLimits,
  dispatchReport,
  type DeviceLimits,
  type DispatchReport,
  type FitOptions,
  type FitProblem,
} from "./emit/wgsl/fit.ts";
