/**
 * `lmg/train`: what a training is: a model lowered for it, its step as graphs, data as batches, engines, the trainer, and what it
 * leaves. No function touches files, and nothing here needs Node. Mistakes of a user come back as a `Problem`.
 */
export { orThrow, Problem, ProblemError } from "../checkpoint/problem.ts";

export { lowerForTraining, trainingProgram, type TrainingProgram } from "../train/program.ts";
export { settingsOf, stepOptionsOf, type TrainingSettings } from "../train/settings.ts";
export { optimizerOf, stepScalars, type Optimizer } from "../autodiff/train/optimizer.ts";
export { learningRate } from "../autodiff/train/schedule.ts";
export { trainingStep, type StepOptions, type TrainingStep } from "../autodiff/train/step.ts";

export { openData } from "../train/data/open.ts";
export type { Batch, Batches } from "../train/data/batches.ts";
export type { DataOptions } from "../train/data/options.ts";
export { contentOf, type Content, type DataSource } from "../train/data/source.ts";
export { wantedOf } from "../train/data/wanted.ts";
export { tokenizerFor, type TokenizerChoice } from "../text/tokenizer-for.ts";
export type { TextTokenizer } from "../text/tokenizer.ts";

export { Trainer, type Snapshot, type StepReport, type Training } from "../train/trainer.ts";
export { trainingEngines, type TrainingTarget } from "../train/engines.ts";
export type { EngineFactory, TrainingEngine, TrainingState } from "../train/engine.ts";
export { typescriptEngine } from "../train/typescript-engine.ts";
export { interpreterEngine } from "../train/interpreter-engine.ts";
export { webgpuEngine } from "../train/webgpu-engine.ts";
export { trainProbed, type ProbedHooks } from "../train/probed.ts";

export { readTrainingCheckpoint, writeModelWeights, writeTrainingCheckpoint } from "../train/checkpoint.ts";
export { trainingNotes } from "../train/modules.ts";
export {
  isEvaluation,
  stepLine,
  type EvaluationLine,
  type MetricsLine,
  type StepLine,
} from "../train/lines.ts";
export { costsOf, type StepCosts } from "../train/costs.ts";
export { trainingStats, type TrainingStats } from "../train/stats.ts";
