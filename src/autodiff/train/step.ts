import { append } from "../../support/lists.ts";
import type { Graph, Input, Output, Parameter, Value } from "../../ir/graph.ts";
import { noOrigin } from "../../ir/graph.ts";
import { makeValue } from "../../ir/node.ts";
import { invariant } from "../../support/invariant.ts";
import { isError, type Diagnostic } from "../../support/diagnostic.ts";
import { constantDim } from "../../tensor/dim.ts";
import { tensorType } from "../../tensor/type.ts";
import { rulesFor, type AfterStep, type ParameterRule } from "../../lower/train/by-name.ts";
import { Backward } from "../backward.ts";
import type { Checkpoints } from "../checkpoints.ts";
import { differentiate, type Differentiation } from "../differentiate.ts";
import { lowerEdges } from "../../passes/lower-edges.ts";
import { Accumulation, type LossPart } from "./accumulate.ts";
import { MeasureParts, type Part } from "./parts.ts";
import { clipFactor, globalNorm, squareSum } from "./clip.ts";
import { trainingForward, type TrainingForward } from "./forward.ts";
import { hiddenMatrices } from "./muon.ts";
import { passedOn } from "./after.ts";
import { betasOf, epsOf, scalarInputs, type Optimizer } from "./optimizer.ts";
import { nameClashes, StateBuilder } from "./state.ts";
import { observe, woven, type ObservedOutput } from "./observe.ts";
import { rolesOf, type Role } from "./roles.ts";
import { slotNames, update, type StepScalars } from "./update.ts";

export interface StepOptions {
  readonly optimizer: Optimizer;
  /** The largest norm of all gradients together; none if left out. */
  readonly clip?: number | undefined;
  /** Micro-steps of an update at most, which together make it what one batch of all their rows would. Default: 1. */
  readonly accumulate?: number | undefined;
  /** What weight decay reaches: matrices, tables and kernels (no norms, no gains, no biases), or all. */
  readonly decay?: "matrices" | "all";
  /** What parameters have for themselves, by name. */
  readonly rules?: readonly ParameterRule[];
  /** What parameters pass through when they have moved. */
  readonly after?: readonly AfterStep[];
  /** Whether there is a step that also measures what it does. */
  readonly observe?: boolean | undefined;
  /** Which iterations are made again for the backward instead of kept. Default: those that the model marks. */
  readonly checkpoints?: Checkpoints;
}

/** Graphs that take data and give the loss and the metrics; what passes from step to step is their states. */
export interface TrainingStep {
  /** Forward, loss, backward, clipping and update. */
  readonly update: Graph;
  /** Forward, loss and backward of all micro-steps but the last, which adds to the gradients; undefined if there are none. */
  readonly accumulate: Graph | undefined;
  /** The update with measures of every residual edge, branch and matrix as outputs, a scalar each; undefined if none is asked for. */
  readonly observe: { readonly graph: Graph; readonly observed: readonly ObservedOutput[] } | undefined;
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
  const count = options.accumulate ?? 1;
  const derived = differentiateLoss(forward.graph, loss.value, trainable, options);
  const trained = trainable.filter(({ value }) =>
    derived.lossParts.some(({ gradients }) => gradients.has(value)),
  );
  const parts: Parts = { ...derived, forward, loss: loss.value, trained, options, count };
  const update = updateStep(parts);
  const diagnostics = [
    ...nameClashes(source, update),
    ...derived.diagnostics,
    ...(count > 1 && derived.lossParts.some(({ isExact }) => !isExact) ? [mixedLoss(loss)] : []),
  ];
  return {
    update,
    accumulate: count > 1 && !diagnostics.some(isError) ? accumulateStep(parts) : undefined,
    observe: options.observe === true && !diagnostics.some(isError) ? observeStep(parts) : undefined,
    diagnostics,
  };
}

/** The loss of a training with its gradients: as a whole, or where batches are accumulated by its parts. */
interface DerivedLoss {
  /** The forward pass, its residual edges lowered. */
  readonly lowered: Graph;
  /** The same with the nodes of all gradients. */
  readonly graph: Graph;
  readonly measures: MeasureParts;
  readonly lossParts: readonly LossPart[];
  /** Of the loss, by value of the forward pass; undefined where it has several parts. */
  readonly cotangents: ReadonlyMap<Value, Value> | undefined;
  /** Of each part the nodes of its gradient, by the first result of the node that they belong to. */
  readonly rules: readonly Differentiation["rules"][];
  readonly diagnostics: readonly Diagnostic[];
}

function differentiateLoss(
  source: Graph,
  loss: Value,
  trainable: readonly Parameter[],
  { accumulate = 1, checkpoints = "marked" }: StepOptions,
): DerivedLoss {
  const forward = lowerEdges.run(source);
  const measures = new MeasureParts(forward);
  const whole: Part = { value: loss, weight: { kind: "rows" }, isExact: true };
  const nodes = [...forward.nodes];
  const diagnostics: Diagnostic[] = [];
  const values = trainable.map(({ value }) => value);
  let cotangents: ReadonlyMap<Value, Value> | undefined;
  const rules: Differentiation["rules"][] = [];
  const lossParts = (accumulate === 1 ? [whole] : measures.of(loss)).map((part): LossPart => {
    const derived = differentiate(forward, [part.value], values, { checkpoints });
    append(nodes, derived.graph.nodes.slice(forward.nodes.length));
    append(diagnostics, derived.diagnostics);
    rules.push(derived.rules);
    if (part.value === loss) cotangents = derived.cotangents;
    const reached = [...derived.gradients].filter(([value]) => derived.cotangents.has(value));
    return { ...part, gradients: new Map(reached) };
  });
  return {
    ...{ lowered: forward, graph: { ...forward, nodes } },
    ...{ measures, lossParts, cotangents, rules, diagnostics },
  };
}

/** A loss whose batches cannot make up the one that their rows would be. */
const mixedLoss = ({ span }: Output): Diagnostic => ({
  severity: "warning",
  code: "W581",
  message:
    "a part of the loss is neither a mean nor a sum over the rows of a batch, so accumulated batches are not one large batch",
  labels: span === undefined ? [] : [{ span, text: "the loss" }],
  help: "batches weigh by their rows there; write the loss with means and sums of one number a row",
});

interface Parts extends DerivedLoss {
  readonly forward: TrainingForward;
  readonly loss: Value;
  readonly trained: readonly Parameter[];
  readonly options: StepOptions;
  readonly count: number;
}

function accumulateStep(parts: Parts): Graph {
  const b = new Backward(new Set(), "update");
  const state = new StateBuilder();
  gradientsOf(parts, { b, state, isLast: false });
  for (const parameter of parts.trained) state.addParameter(parameter, "parameter", parameter.value);
  addStatistics(parts, state);
  return finish("accumulate", parts, b, state, { inputs: [], outputs: [] });
}

/** The gradient of each parameter, over all micro-steps so far. */
function gradientsOf(
  { measures, loss, lossParts, trained, count }: Parts,
  step: { readonly b: Backward; readonly state: StateBuilder; readonly isLast: boolean },
): ReadonlyMap<Value, Value> {
  return count === 1
    ? lossParts[0]!.gradients
    : new Accumulation(step, measures, loss, lossParts).add(trained);
}

function updateStep(parts: Parts): Graph {
  const { trained, options } = parts;
  const b = new Backward(new Set(), "update");
  const state = new StateBuilder();
  const scalars = new ScalarInputs(options.optimizer);
  const found = gradientsOf(parts, { b, state, isLast: true });
  const gradients = trained.map(({ value }) => found.get(value)!);
  // A clipped update waits for the norm; any other adds up its gradient's squares itself, as one loop reads both.
  const isClipped = options.clip !== undefined;
  const squareSums = isClipped ? gradients.map((gradient) => squareSum(b, gradient)) : [];
  let norm = isClipped ? globalNorm(b, squareSums) : undefined;
  const factor = isClipped ? clipFactor(b, norm, options.clip) : undefined;
  const roles = rolesOf(parts.lowered, trained);
  const matrices =
    options.optimizer.name === "muon" ? hiddenMatrices(parts.lowered, trained, roles) : new Set();
  for (const [index, parameter] of trained.entries()) {
    const isMatrix = matrices.has(parameter.value);
    const grad = gradients[index]!;
    b.origin = noOrigin;
    if (!isClipped) squareSums.push(squareSum(b, grad));
    b.origin = { ...noOrigin, label: parameter.name, spans: parameter.span ? [parameter.span] : [] };
    const names = slotNames(options.optimizer, isMatrix).map((slot) => `optimizer.${slot}.${parameter.name}`);
    const slots = names.map((name) => state.open(name, parameter.value.type));
    const own = rulesFor(options.rules ?? [], parameter.name);
    const isReached = options.decay === "all" || isDecayed(parameter, roles);
    const { rate } = scalars.values;
    const next = update(options.optimizer, {
      b,
      value: parameter.value,
      grad: factor === undefined ? grad : b.mul(grad, factor),
      slots,
      decay: own.decay ?? (isReached ? options.optimizer.decay : 0),
      eps: own.eps ?? epsOf(options.optimizer),
      isMatrix,
      scalars: {
        ...scalars.values,
        rate: own.rate === undefined || own.rate === 1 ? rate : b.mul(rate, own.rate),
      },
    });
    names.forEach((name, slot) => state.close(name, "optimizer", next.slots[slot]!));
    state.addParameter(parameter, "parameter", passedOn(b, options.after ?? [], parameter, next.value));
  }
  b.origin = noOrigin;
  norm ??= globalNorm(b, squareSums);
  addStatistics(parts, state);
  const outputs = norm === undefined ? [] : [{ name: NORM_OUTPUT, value: norm, span: undefined }];
  return finish("update", parts, b, state, { inputs: scalars.inputs, outputs });
}

/** The parameters that weight decay reaches, by the forward pass with its residual edges lowered. */
export function decayedParameters(
  lowered: Graph,
  trained: readonly Parameter[],
  decay: "matrices" | "all",
): ReadonlySet<Parameter> {
  const roles = rolesOf(lowered, trained);
  return new Set(trained.filter((parameter) => decay === "all" || isDecayed(parameter, roles)));
}

/** True for matrices, tables and kernels, not for gains and biases; of what is neither, for what has two axes or more. */
function isDecayed({ value }: Parameter, roles: ReadonlyMap<Value, Role>): boolean {
  const role = roles.get(value);
  if (role === "factor" || role === "table") return true;
  return role === "other" && value.type.shape.filter((size) => constantDim(size) !== 1).length >= 2;
}

/**
 * The same nodes in the same order as the update, some of which give more away, with others that read them: its bits are those of
 * the update.
 */
function observeStep(parts: Parts): TrainingStep["observe"] {
  const graph = updateStep(parts);
  const { forward, lowered, cotangents, rules, trained } = parts;
  const { groups, replaced, outputs, observed } = observe({
    forward: forward.graph,
    ...{ lowered, cotangents, rules, trained },
    states: graph.states,
  });
  const nodes = graph.nodes.map((node) => replaced.get(node) ?? node);
  return {
    graph: {
      ...graph,
      name: `${parts.graph.name}_observe`,
      nodes: woven(nodes, groups),
      outputs: [...graph.outputs, ...outputs],
    },
    observed,
  };
}

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
  { forward, graph }: Parts,
  b: Backward,
  state: StateBuilder,
  more: { readonly inputs: readonly Input[]; readonly outputs: readonly Output[] },
): Graph {
  const moved = new Set(state.states.map(({ value }) => value));
  return {
    ...graph,
    name: `${graph.name}_${name}`,
    inputs: [...graph.inputs, ...(forward.random === undefined ? [] : [forward.random]), ...more.inputs],
    parameters: graph.parameters.filter(({ value }) => !moved.has(value)),
    states: [...graph.states, ...state.states],
    nodes: [...graph.nodes, ...b.nodes],
    outputs: [...graph.outputs, ...more.outputs],
  };
}
