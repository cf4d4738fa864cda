/**
 * The library: `compile` runs the whole compiler, `emitTypeScript` writes the module; each stage is here by itself too.
 * No function touches files, and nothing here needs Node: the compiler runs in a browser.
 */
export { compile, type Compilation, type CompileOptions } from "./compile.ts";

export type { Source, Span } from "./support/source.ts";
export { showDiagnostic, type Diagnostic, type Edit, type Label } from "./support/diagnostic.ts";
export { diagnosticRecord, type DiagnosticRecord } from "./support/record.ts";
export type { Dtype } from "./tensor/dtype.ts";
export { dim, evaluateDim, showDim, symbolDim, type Dim } from "./tensor/dim.ts";
export { showType, tensorType, type TensorType } from "./tensor/type.ts";
export { hostTensor, type HostTensor } from "./tensor/host.ts";

export { parse, type Parsed } from "./language/parse.ts";
export { format } from "./language/format.ts";
export { lower, type Lowered, type LoweredModel, type LowerOptions } from "./lower/lower.ts";
export type { Observe as ObserveText, TextMeaning } from "./lower/names/observe.ts";

export type { Edge, Graph, Node, NodeOf, Origin, Parameter, PartialGraph, Value } from "./ir/graph.ts";
export { printGraph, sameGraph } from "./ir/print.ts";
export { readGraph, type ReadResult } from "./ir/read.ts";
export { verifyGraph } from "./ir/verify.ts";
export { interpret, type Bindings, type Observe } from "./ir/interpret.ts";
export { EvaluationError } from "./ops/evaluate/error.ts";
export { initialParameters, randomInputs, randomParameters } from "./ir/initialize.ts";
export { outlineOf, type IterationSection, type Repeat, type Section } from "./ir/outline.ts";
export { statsOf, type Stats } from "./ir/stats.ts";
export { ops, opNames, type OpName } from "./ops/table.ts";

export { passes, runPasses, type PassOptions } from "./passes/pipeline.ts";
export type { Pass, Remark } from "./passes/pass.ts";
export { explainEdges, type EdgeExplanation } from "./passes/explain.ts";
export { describeEdges, type EdgeDescription } from "./passes/describe-edges.ts";
export { checkPasses, showDifference, type CheckOptions, type PassDifference } from "./passes/check.ts";

export { differentiate, type Differentiation } from "./autodiff/differentiate.ts";
export { probeEdges, type EdgeProbe } from "./autodiff/probe.ts";
export { optimizerOf, stepScalars, type Optimizer } from "./autodiff/train/optimizer.ts";
export { learningRate } from "./autodiff/train/schedule.ts";
export { trainingStep, type StepOptions, type TrainingStep } from "./autodiff/train/step.ts";

export { lowerForTraining, trainingProgram, type TrainingProgram } from "./train/program.ts";
export { settingsOf, stepOptionsOf, type TrainingSettings } from "./train/settings.ts";
export { Trainer, type Snapshot, type StepReport, type Training } from "./train/trainer.ts";
export type { EngineFactory, TrainingEngine, TrainingState } from "./train/engine.ts";
export { typescriptEngine } from "./train/typescript-engine.ts";
export { interpreterEngine } from "./train/interpreter-engine.ts";
export { trainingEngines, type TrainingTarget } from "./train/engines.ts";
export { webgpuEngine } from "./train/webgpu-engine.ts";
export { readTrainingCheckpoint, writeModelWeights, writeTrainingCheckpoint } from "./train/checkpoint.ts";
export { trainingNotes } from "./train/modules.ts";
export { trainProbed, type ProbedHooks } from "./train/probed.ts";
export {
  isEvaluation,
  stepLine,
  type EvaluationLine,
  type MetricsLine,
  type StepLine,
} from "./train/lines.ts";
export { costsOf, type StepCosts } from "./train/costs.ts";
export { trainingStats, type TrainingStats } from "./train/stats.ts";
export type { Batch, Batches } from "./train/data/batches.ts";
export { openData } from "./train/data/open.ts";
export type { DataOptions } from "./train/data/options.ts";
export { contentOf, type Content, type DataSource } from "./train/data/source.ts";
export { wantedOf } from "./train/data/wanted.ts";
export { tokenizerFor, type TokenizerChoice } from "./text/tokenizer-for.ts";
export type { TextTokenizer } from "./text/tokenizer.ts";

export { planGraph } from "./plan/build.ts";
export type { Plan, Step } from "./plan/plan.ts";
export { planStats, type PlanStats, type Sizes } from "./plan/stats.ts";
export { describePlan, printPlan, type PlanDescription } from "./plan/describe.ts";
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

export { orThrow, Problem, ProblemError } from "./checkpoint/problem.ts";
export { readSafetensors, writeSafetensors, type Safetensors } from "./checkpoint/safetensors.ts";
export { matchParameters, type CheckpointTensor, type Match } from "./checkpoint/match.ts";
export { toFloat32, toHostTensor, toStored, type StoredTensor } from "./checkpoint/stored.ts";
