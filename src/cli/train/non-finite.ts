import { setImmediate } from "node:timers/promises";
import type { Graph, NodeOf, Output } from "../../ir/graph.ts";
import { orThrow } from "../../checkpoint/problem.ts";
import { planGraph } from "../../plan/build.ts";
import type { Diagnostic } from "../../support/diagnostic.ts";
import { listWords } from "../../support/text.ts";
import type { HostData, HostTensor } from "../../tensor/host.ts";
import type { TrainingState } from "../../train/engine.ts";
import type { TrainingTarget } from "../../train/engines.ts";
import type { TrainingSettings } from "../../train/settings.ts";
import type { Snapshot, StepReport, Trainer } from "../../train/trainer.ts";
import { reachedFrom } from "../../autodiff/checkpoints.ts";
import { showObserved } from "../../run/compare/describe.ts";
import { observeSteps, type Observed } from "../../run/compare/observe.ts";
import { interpreterEngine } from "../../run/interpreter-engine.ts";
import { typescriptEngine } from "../../run/typescript-engine.ts";
import type { Weights } from "../../run/weights.ts";

/** Where NaN or infinity came from. */
type Origin =
  | { readonly kind: "step"; readonly observed: Observed; readonly value: number }
  /** An update before left it in a parameter, or in the state of the optimizer. */
  | { readonly kind: "state"; readonly name: string; readonly value: number }
  /** A loss had no target to take the mean over: all of them are `ignored`. */
  | { readonly kind: "ignored"; readonly observed: Observed; readonly ignored: number }
  /** An input or a target of the data had it. */
  | { readonly kind: "data"; readonly name: string; readonly row: number; readonly value: number };

/**
 * Goes back to a good snapshot, runs up to the update that failed, and runs that one with every step of its plan seen.
 * Undefined if no step makes such a value there: then the target itself does.
 */
export async function findOrigin(
  trainer: Trainer,
  { step }: StepReport,
  from: Snapshot,
  target: TrainingTarget,
): Promise<Origin | undefined> {
  await trainer.restore(from);
  while (trainer.step < step - 1) {
    await trainer.advance();
    await setImmediate();
  }
  // Batches without a target that counts weigh nothing, unless all of an update are such.
  let ignored: Origin | undefined;
  for (let micro = 0; micro < trainer.microSteps.count; micro++) {
    const origin = await originWithin(trainer, micro, target);
    if (origin?.kind === "ignored") ignored = origin;
    else if (origin !== undefined) return origin;
    const { part, inputs } = trainer.microStep(micro);
    await trainer.engine.run(part, inputs);
  }
  return ignored;
}

async function originWithin(
  trainer: Trainer,
  micro: number,
  target: TrainingTarget,
): Promise<Origin | undefined> {
  const { part, inputs } = trainer.microStep(micro);
  const state = await trainer.engine.readState();
  for (const [name, { data }] of Object.entries(state)) {
    const value = unusualIn(data);
    if (value !== undefined) return { kind: "state", name, value };
  }
  for (const [name, { data, shape }] of Object.entries(inputs)) {
    // Minus infinity is what masks have.
    const at = data.findIndex((value) => !(value < Infinity));
    const row = Math.floor(at / (data.length / (shape[0] ?? 1)));
    if (at >= 0) return { kind: "data", name, row, value: data[at]! };
  }
  const { graph: steps, observed } = observeSteps(trainer.training.program[part]!.graph);
  const losses = lossesThatIgnore(steps);
  const graph = stateless({ ...steps, outputs: [...steps.outputs, ...losses.map(outputOfTargets)] });
  const engine = orThrow(
    target === "interpreter"
      ? interpreterEngine(graph, none)
      : await typescriptEngine(planGraph(graph), none),
  );
  const given = { ...stateInputs(state, steps), ...inputs };
  const results = orThrow(await engine.run(new Map(Object.entries(given))));
  const empty = losses.filter((loss, index) =>
    results.get(targetsOf(index))!.data.every((target) => target === loss.attrs.ignore),
  );
  const ofNothing = reachedFrom(
    steps,
    empty.flatMap((loss) => loss.results),
  );
  const all = observed.map((each) => ({ each, value: unusualIn(results.get(each.output)!.data) }));
  // Gradients do not pass through the loss itself: where it is the mean of nothing they are zero, and their mean over
  // micro-steps that all have none is of nothing too.
  const seen = all.filter(
    ({ each: { node } }) =>
      !node.results.some((value) => ofNothing.has(value)) &&
      (empty.length === 0 || node.origin.phase !== "update"),
  );
  // Masks are made of minus infinity: it is blamed only if nothing else is found.
  const first =
    seen.find(({ value }) => value !== undefined && value !== -Infinity) ??
    seen.find(({ value }) => value !== undefined);
  if (first !== undefined) return { kind: "step", observed: first.each, value: first.value! };
  const blamed = all.find(({ each }) => empty.some((loss) => loss === each.node));
  const ignored = empty.find((loss) => loss === blamed?.each.node)?.attrs.ignore;
  if (blamed === undefined || ignored === undefined) return undefined;
  return { kind: "ignored", observed: blamed.each, ignored };
}

type Loss = NodeOf<"cross_entropy">;

const lossesThatIgnore = ({ nodes }: Graph): readonly Loss[] =>
  nodes.filter((node): node is Loss => node.op === "cross_entropy" && node.attrs.ignore !== undefined);

/** No input that a user names has a blank in it. */
const stateInput = (name: string): string => `state ${name}`;

/** The graph with its states as inputs: it is run once, and what they become is of no interest. */
const stateless = (graph: Graph): Graph => ({
  ...graph,
  inputs: [
    ...graph.inputs,
    ...graph.states.map(({ name, value, span }) => ({
      name: stateInput(name),
      value,
      fill: undefined,
      span,
    })),
  ],
  states: [],
});

const stateInputs = (state: TrainingState, { states }: Graph): Record<string, HostTensor> =>
  Object.fromEntries(
    states.map(({ name, value }) => {
      const { shape, data } = state[name]!;
      return [stateInput(name), { dtype: value.type.dtype, shape, data: Float64Array.from(data) }];
    }),
  );

/** No output that a user names has a blank in it. */
const targetsOf = (loss: number): string => `targets of ${loss}`;

const outputOfTargets = ({ operands }: Loss, index: number): Output => ({
  name: targetsOf(index),
  value: operands.targets,
  span: undefined,
});

const none: Weights = { tensors: new Map(), from: "", close: () => undefined };

/** NaN if there is one, else an infinity, the positive one first; undefined if all elements are finite. */
function unusualIn(data: HostData | Float32Array): number | undefined {
  let found: number | undefined;
  for (const value of data) {
    if (Number.isFinite(value)) continue;
    if (Number.isNaN(value)) return value;
    if (found !== Infinity) found = value;
  }
  return found;
}

/** What ends the command: what happened, where it began, what is kept, what to try. */
export function nonFiniteDiagnostic(
  { step, measures, gradientNorm }: StepReport,
  origin: Origin | undefined,
  settings: TrainingSettings,
  kept: string,
): Diagnostic {
  const what = Number.isFinite(measures["loss"])
    ? `the norm of the gradients is ${gradientNorm}`
    : `the loss is ${measures["loss"]!}`;
  const span =
    origin === undefined || !("observed" in origin) ? undefined : origin.observed.node.origin.spans.at(-1);
  return {
    severity: "error",
    code: "E856",
    message: `${what} at step ${step}: ${showOrigin(origin, step)}`,
    labels: span === undefined ? [] : [{ span, text: "the step was made from here" }],
    help: `${kept}; ${helpFor(origin, settings)}`,
  };
}

function showOrigin(origin: Origin | undefined, step: number): string {
  if (origin === undefined) return "no step of the plan makes it on the CPU, so it came from the device";
  if (origin.kind === "ignored")
    return `all targets of a batch are ${origin.ignored}, which ${showObserved(origin.observed)} ignores: there is nothing to take the mean of`;
  const value = Number.isNaN(origin.value) ? "NaN" : "infinity";
  if (origin.kind === "data") return `row ${origin.row} of the batch has ${value} in \`${origin.name}\``;
  if (origin.kind === "step") return `${value} came first from ${showObserved(origin.observed)}`;
  return `step ${step - 1} had left ${value} in \`${origin.name}\``;
}

const helpFor = (origin: Origin | undefined, settings: TrainingSettings): string =>
  origin?.kind === "ignored"
    ? moreTargets
    : origin?.kind === "data"
      ? "leave out the rows that have none, or put numbers there"
      : `try ${listWords(remedies(settings), "or")}`;

/** What helps where a batch has no target that counts. */
const moreTargets =
  "leave out the rows without any target that counts, or make the batches larger with --batch";

/** What keeps a training finite, as far as it is not done yet. */
function remedies({ rate, schedule, clip }: TrainingSettings): readonly string[] {
  const warmup = (schedule?.options["warmup"] as number | undefined) ?? 0;
  return [
    `a learning rate below ${rate}`,
    ...(clip === undefined ? ["`clip 1.0`"] : []),
    ...(warmup === 0 ? ["a schedule with a warmup"] : []),
  ];
}

export const keptWords = (folder: string, step: number): string =>
  `${folder} keeps ${step === 0 ? "the beginning of the run" : `the checkpoint after step ${step}`}`;
