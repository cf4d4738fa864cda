import type { Graph, Input, Output, Parameter, Value } from "../../ir/graph.ts";
import { noOrigin } from "../../ir/graph.ts";
import { makeValue } from "../../ir/node.ts";
import { invariant } from "../../support/invariant.ts";
import { isError, type Diagnostic } from "../../support/diagnostic.ts";
import { constantDim } from "../../tensor/dim.ts";
import { tensorType } from "../../tensor/type.ts";
import { Backward } from "../backward.ts";
import type { Checkpoints } from "../checkpoints.ts";
import { differentiate, type Differentiation } from "../differentiate.ts";
import { clipFactor, globalNorm } from "./clip.ts";
import { trainingForward, type TrainingForward } from "./forward.ts";
import { hiddenMatrices } from "./muon.ts";
import { betasOf, scalarInputs, type Optimizer } from "./optimizer.ts";
import { nameClashes, StateBuilder, type StateTensor } from "./state.ts";
import { slotNames, update, type StepScalars } from "./update.ts";

export interface StepOptions {
  readonly optimizer: Optimizer;
  /** The largest norm of all gradients together; none if left out. */
  readonly clip?: number | undefined;
  /** Micro-steps whose gradients are averaged for one update. Default: 1. */
  readonly accumulate?: number | undefined;
  /** What weight decay reaches: tensors with at least two axes longer than 1 (no norms, no biases), or all. */
  readonly decay?: "matrices" | "all";
  /** Which iterations are made again for the backward instead of kept. Default: those that the model marks. */
  readonly checkpoints?: Checkpoints;
}

/** A graph that takes data and state and gives the loss, the metrics and the next state. */
export interface StepGraph {
  readonly graph: Graph;
  /** All that a step reads and a plan keeps; what the step leaves as it is has its own value as the next. */
  readonly state: readonly StateTensor[];
}

export interface TrainingStep {
  /** Forward, loss, backward, clipping and update. */
  readonly update: StepGraph;
  /** Forward, loss and backward of all micro-steps but the last, which adds to the gradients; undefined if there are none. */
  readonly accumulate: StepGraph | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** The output with the norm of all gradients together, before clipping. */
export const NORM_OUTPUT = "gradient_norm";

/**
 * The training step of a graph whose output `loss` is to become small, as one graph of core and gradient ops that passes
 * fuse like any other. Parameters that the loss does not depend on stay parameters. Linear in the nodes.
 */
export function trainingStep(source: Graph, options: StepOptions): TrainingStep {
  const forward = trainingForward(source);
  const loss = source.outputs.find(({ name }) => name === "loss");
  invariant(loss, "a training graph has the output loss");
  const trainable = source.parameters.filter((parameter) => parameter.trainable);
  const derived = differentiate(
    forward.graph,
    [loss.value],
    trainable.map(({ value }) => value),
    options.checkpoints ?? "marked",
  );
  const trained = trainable.filter(({ value }) => derived.cotangents.has(value));
  const diagnostics = [...nameClashes(source), ...derived.diagnostics];
  const parts: Parts = { forward, derived, trained, options, count: options.accumulate ?? 1 };
  return {
    update: updateStep(parts),
    accumulate: parts.count > 1 && !diagnostics.some(isError) ? accumulateStep(parts) : undefined,
    diagnostics,
  };
}

interface Parts {
  readonly forward: TrainingForward;
  readonly derived: Differentiation;
  readonly trained: readonly Parameter[];
  readonly options: StepOptions;
  readonly count: number;
}

const accumulatedName = ({ name }: Parameter): string => `accumulated.${name}`;

function accumulateStep(parts: Parts): StepGraph {
  const b = new Backward(new Set(), "update");
  const state = new StateBuilder();
  for (const parameter of parts.trained) {
    const sum = state.open(accumulatedName(parameter), parameter.value.type);
    state.close(accumulatedName(parameter), "accumulated", b.add(sum, gradientOf(parameter, parts)));
    state.addParameter(parameter, "parameter", parameter.value);
  }
  addStatistics(parts, state);
  return finish("accumulate", parts, b, state, { inputs: [], outputs: [] });
}

function updateStep(parts: Parts): StepGraph {
  const { trained, derived, options, count } = parts;
  const b = new Backward(new Set(), "update");
  const state = new StateBuilder();
  const scalars = new ScalarInputs(options.optimizer);
  const gradients = trained.map((parameter) => averaged(parameter, parts, b, state));
  const norm = globalNorm(b, gradients);
  const factor = options.clip === undefined ? undefined : clipFactor(b, norm, options.clip);
  const matrices = options.optimizer.name === "muon" ? hiddenMatrices(derived.graph, trained) : new Set();
  for (const [index, parameter] of trained.entries()) {
    const isMatrix = matrices.has(parameter.value);
    const grad = gradients[index]!;
    b.origin = { ...noOrigin, label: parameter.name, spans: parameter.span ? [parameter.span] : [] };
    const names = slotNames(options.optimizer, isMatrix).map((slot) => `optimizer.${slot}.${parameter.name}`);
    const slots = names.map((name) => state.open(name, parameter.value.type));
    const next = update(options.optimizer, {
      b,
      value: parameter.value,
      grad: factor === undefined ? grad : b.mul(grad, factor),
      slots,
      decays: options.decay === "all" || isDecayed(parameter),
      isMatrix,
      scalars: scalars.values,
    });
    names.forEach((name, slot) => state.close(name, "optimizer", next.slots[slot]!));
    state.addParameter(parameter, "parameter", next.value);
    if (count > 1) {
      const zeros = b.full(parameter.value.type.dtype, parameter.value.type.shape, 0);
      state.close(accumulatedName(parameter), "accumulated", zeros);
    }
  }
  addStatistics(parts, state);
  const outputs = norm === undefined ? [] : [{ name: NORM_OUTPUT, value: norm, span: undefined }];
  return finish("update", parts, b, state, { inputs: scalars.inputs, outputs });
}

const gradientOf = ({ value }: Parameter, { derived }: Parts): Value => derived.gradients.get(value)!;

/** The mean of the gradients of this micro-step and those before it. */
function averaged(parameter: Parameter, parts: Parts, b: Backward, state: StateBuilder): Value {
  const grad = gradientOf(parameter, parts);
  if (parts.count === 1) return grad;
  const sum = state.open(accumulatedName(parameter), parameter.value.type);
  return b.mul(b.add(sum, grad), 1 / parts.count);
}

/** True for matrices, tables and kernels; norms, biases and gains have one axis that is longer than 1 at most. */
const isDecayed = ({ value }: Parameter): boolean =>
  value.type.shape.filter((size) => constantDim(size) !== 1).length >= 2;

function addStatistics({ forward }: Parts, state: StateBuilder): void {
  for (const [parameter, next] of forward.statistics) state.addParameter(parameter, "statistic", next);
}

/** The scalars that the host computes for a step, as inputs. */
class ScalarInputs {
  readonly inputs: readonly Input[];
  readonly values: StepScalars;

  constructor(optimizer: Optimizer) {
    const inputs: Input[] = [];
    const scalar = (name: string): Value => {
      const value = makeValue(tensorType("f32"), name);
      inputs.push({ name, value, fill: undefined, span: undefined });
      return value;
    };
    const corrects = betasOf(optimizer) !== undefined;
    this.values = {
      rate: scalar(scalarInputs.rate),
      first: corrects ? scalar(scalarInputs.first) : undefined,
      second: corrects ? scalar(scalarInputs.second) : undefined,
    };
    this.inputs = inputs;
  }
}

function finish(
  name: string,
  { forward, derived }: Parts,
  b: Backward,
  state: StateBuilder,
  more: { readonly inputs: readonly Input[]; readonly outputs: readonly Output[] },
): StepGraph {
  const { graph } = derived;
  const inputs = [
    ...graph.inputs,
    ...(forward.random === undefined ? [] : [forward.random]),
    ...more.inputs,
    ...state.inputs,
  ];
  const moved = new Set(inputs.map(({ value }) => value));
  return {
    graph: {
      ...graph,
      name: `${graph.name}_${name}`,
      inputs,
      parameters: graph.parameters.filter(({ value }) => !moved.has(value)),
      nodes: [...graph.nodes, ...b.nodes],
      outputs: [...graph.outputs, ...more.outputs, ...state.outputs],
    },
    state: state.tensors,
  };
}
