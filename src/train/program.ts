import { trainingStep, type StepGraph, type StepOptions } from "../autodiff/train/step.ts";
import type { StateTensor } from "../autodiff/train/state.ts";
import type { Graph, Parameter } from "../ir/graph.ts";
import type { File } from "../language/ast.ts";
import { lower, type LoweredModel, type LowerOptions } from "../lower/lower.ts";
import type { LoweredTrain } from "../lower/train/train.ts";
import { withMeasureParts, type MeasureRule } from "./measures.ts";
import type { Remark } from "../passes/pass.ts";
import { runPasses, type PassOptions } from "../passes/pipeline.ts";
import { planGraph } from "../plan/build.ts";
import type { Plan } from "../plan/plan.ts";
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

/** A graph of a training after all passes, with the state that it works on, and its plan. */
export interface ProgramPart {
  readonly graph: Graph;
  readonly state: readonly StateTensor[];
  readonly plan: Plan;
  /** What fused and what did not; `explainEdges` sorts it by residual edge. */
  readonly remarks: readonly Remark[];
}

/** All that an engine runs. The state of each part is among `state`; equal names are one tensor. */
export interface TrainingProgram {
  /** Forward, loss, backward, clipping and update. */
  readonly update: ProgramPart;
  /** The micro-steps before an update; undefined if there are none. */
  readonly accumulate: ProgramPart | undefined;
  /** Loss and metrics of the model as it is used. */
  readonly evaluation: ProgramPart;
  readonly state: readonly StateTensor[];
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
  const { update, accumulate, diagnostics } = trainingStep(source, options);
  if (diagnostics.some(isError)) return { program: undefined, diagnostics };
  const evaluation = { graph: evaluated.graph, state: [] };
  const parts = {
    update: planStep(update, passes),
    accumulate: accumulate && planStep(accumulate, passes),
    evaluation: planStep(evaluation, passes),
  };
  const state = new Map<string, StateTensor>();
  for (const part of [parts.update, parts.accumulate, parts.evaluation])
    for (const tensor of part?.state ?? []) if (!state.has(tensor.name)) state.set(tensor.name, tensor);
  const measures = evaluated.rules.map(({ name }) => name);
  const rules = { training: trained.rules, evaluation: evaluated.rules };
  return { program: { ...parts, state: [...state.values()], measures, rules }, diagnostics };
}

/** Runs the passes over a step and plans it. */
export function planStep(step: StepGraph, passes: PassOptions = {}): ProgramPart {
  const { graph: whole, state } = withStateOnly(step);
  const remarks: Remark[] = [];
  const graph = runPasses(whole, { ...passes, report: (remark) => remarks.push(remark) });
  const pairs = state.map(({ name, next }) => ({ input: name, output: next }));
  return { graph, state, plan: planGraph(graph, { state: pairs }), remarks };
}

/** The step with its parameters, which it leaves as they are, as state too. */
function withStateOnly({ graph, state }: StepGraph): StepGraph {
  const kept = graph.parameters.map(keptState);
  const parameters = graph.parameters;
  return {
    graph: {
      ...graph,
      parameters: [],
      inputs: [
        ...graph.inputs,
        ...parameters.map(({ name, value, span }) => ({ name, value, fill: undefined, span })),
      ],
      outputs: [
        ...graph.outputs,
        ...parameters.map(({ value }, index) => ({ name: kept[index]!.next, value, span: undefined })),
      ],
    },
    state: [...state, ...kept],
  };
}

const keptState = ({ name, value, init, trainable }: Parameter): StateTensor => ({
  name,
  next: `next.${name}`,
  kind: trainable ? "parameter" : "statistic",
  type: value.type,
  init,
});

/** The outputs that are one number. */
export const scalarsOf = (
  outputs: Readonly<Record<string, { readonly data: ArrayLike<number>; readonly shape: readonly number[] }>>,
): Record<string, number> =>
  Object.fromEntries(
    Object.entries(outputs).flatMap(([name, { data, shape }]) =>
      shape.length === 0 ? [[name, data[0]!]] : [],
    ),
  );
