import type { ObservedOutput } from "../autodiff/train/observe.ts";
import { trainingStep, type StepOptions } from "../autodiff/train/step.ts";
import type { Graph, State } from "../ir/graph.ts";
import { statesOf, type Program } from "../ir/program.ts";
import type { File } from "../language/ast.ts";
import { lower, type LoweredModel, type LowerOptions } from "../lower/lower.ts";
import type { LoweredTrain } from "../lower/train/train.ts";
import { withMeasureParts, type MeasureRule } from "./measures.ts";
import type { Remark } from "../passes/pass.ts";
import { runPasses, type PassOptions } from "../passes/pipeline.ts";
import { planGraph, planProgram } from "../plan/build.ts";
import type { Plan, PlanPart, ProgramPlan } from "../plan/plan.ts";
import { isError, sortDiagnostics, type Diagnostic } from "../support/diagnostic.ts";

/** A model lowered as it is trained and as it is used, with its `train` section. */
export interface TrainableModel {
  /** Dropout drops, batch norms take the statistics of the batch. */
  readonly training: LoweredModel;
  /** As the model is used afterwards. */
  readonly evaluation: LoweredModel;
  /** Of the training graph: optimizer, schedule and the other settings. */
  readonly train: LoweredTrain;
}

/** Lowers a model for training; undefined with an error, or without a `train` section (then there may be no error). */
export function lowerForTraining(
  file: File,
  options: LowerOptions,
): { readonly model: TrainableModel | undefined; readonly diagnostics: readonly Diagnostic[] } {
  const { model: training, diagnostics } = lower(file, { ...options, training: true });
  const { model: evaluation, diagnostics: more } = lower(file, { ...options, training: false });
  const found = sortDiagnostics([...diagnostics, ...more]);
  if (training?.train === undefined || evaluation?.train === undefined)
    return { model: undefined, diagnostics: found };
  return { model: { training, evaluation, train: training.train }, diagnostics: found };
}

/** The graphs of a training, all of which work on one state. */
export type PartName = "update" | "accumulate" | "observe" | "evaluate";

/** A graph of a training after all passes, and its plan. */
export interface ProgramPart {
  readonly graph: Graph;
  readonly plan: PlanPart;
  /** What fused and what did not; `explainEdges` sorts it by residual edge. */
  readonly remarks: readonly Remark[];
}

/** All that an engine runs. */
export interface TrainingProgram {
  /** Forward, loss, backward, clipping and update. */
  readonly update: ProgramPart;
  /** The micro-steps before an update; undefined if there are none. */
  readonly accumulate: ProgramPart | undefined;
  /** The update, with measures of what it does; undefined if none were asked for. */
  readonly observe: (ProgramPart & { readonly observed: readonly ObservedOutput[] }) | undefined;
  /** Loss and metrics of the model as it is used. */
  readonly evaluate: ProgramPart;
  /** The parts planned together. */
  readonly plan: ProgramPlan;
  /** Of all parts, each once. */
  readonly states: readonly State[];
  /** The names of the losses and metrics that each part gives, `loss` first. */
  readonly measures: readonly string[];
  /** How those of several batches are made: of the micro-steps of an update, and of an evaluation. */
  readonly rules: { readonly training: readonly MeasureRule[]; readonly evaluation: readonly MeasureRule[] };
}

export interface Programmed {
  /** Undefined if there is an error. */
  readonly program: TrainingProgram | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * The graphs and plans of a training. Every parameter is state in all of them, so that nothing is prepared from weights
 * that steps change.
 */
export function trainingProgram(
  model: TrainableModel,
  options: StepOptions,
  passes: PassOptions = {},
): Programmed {
  const trained = withMeasureParts(model.train.graph);
  const evaluated = withMeasureParts(model.evaluation.train!.graph);
  // A batch that is an update alone has its measures.
  const source = (options.accumulate ?? 1) === 1 ? model.train.graph : trained.graph;
  const { update, accumulate, observe, diagnostics } = trainingStep(source, options);
  if (diagnostics.some(isError)) return { program: undefined, diagnostics };
  const passed = {
    update: passStep(update, passes),
    ...(accumulate && { accumulate: passStep(accumulate, passes) }),
    ...(observe && { observe: passStep(observe.graph, passes) }),
    evaluate: passStep(evaluated.graph, passes),
  };
  const graphs = Object.fromEntries(Object.entries(passed).map(([part, { graph }]) => [part, graph]));
  const whole: Program = { name: `${model.training.name}_training`, parts: graphs };
  const plan = planProgram(whole, passes);
  const planned = (name: PartName, { graph, remarks }: PassedStep): ProgramPart => {
    return { graph, remarks, plan: plan.parts.find((part) => part.name === name)! };
  };
  const measures = evaluated.rules.map(({ name }) => name);
  const program: TrainingProgram = {
    update: planned("update", passed.update),
    accumulate: passed.accumulate && planned("accumulate", passed.accumulate),
    observe: passed.observe && { ...planned("observe", passed.observe), observed: observe!.observed },
    evaluate: planned("evaluate", passed.evaluate),
    plan,
    states: statesOf(whole),
    measures,
    rules: { training: trained.rules, evaluation: evaluated.rules },
  };
  return { program, diagnostics };
}

interface PassedStep {
  readonly graph: Graph;
  readonly remarks: readonly Remark[];
}

/** Runs the passes over a step, whose parameters are all state: those that it leaves as they are too. */
function passStep(step: Graph, passes: PassOptions): PassedStep {
  const remarks: Remark[] = [];
  const kept = step.parameters.map(({ name, value, init, trainable, span }): State => {
    return { name, value, next: value, kind: trainable ? "parameter" : "statistic", init, span };
  });
  const whole = { ...step, parameters: [], states: [...step.states, ...kept] };
  const graph = runPasses(whole, { ...passes, report: (remark) => remarks.push(remark) });
  return { graph, remarks };
}

/** A step after all passes, and its plan by itself. */
export function planStep(
  step: Graph,
  passes: PassOptions = {},
): { readonly graph: Graph; readonly plan: Plan } {
  const { graph } = passStep(step, passes);
  return { graph, plan: planGraph(graph, passes) };
}

/** The outputs that are one number. */
export function scalarsOf(
  outputs: Readonly<Record<string, { readonly data: ArrayLike<number>; readonly shape: readonly number[] }>>,
): Record<string, number> {
  const scalars: Record<string, number> = {};
  for (const [name, { data, shape }] of Object.entries(outputs))
    if (shape.length === 0) scalars[name] = data[0]!;
  return scalars;
}
