import { trainingStep } from "../../autodiff/train/step.ts";
import type { Checkpoints } from "../../autodiff/checkpoints.ts";
import type { Graph } from "../../ir/graph.ts";
import { outlineOf, sectionsOf, type Section } from "../../ir/outline.ts";
import { isError } from "../../support/diagnostic.ts";
import type { Source } from "../../support/source.ts";
import { listWords } from "../../support/text.ts";
import { costsOf, type StepCosts } from "../../train/costs.ts";
import { completeDims, showDims } from "../../run/sizes.ts";
import { showBytes, showCount, showScaled } from "../numbers.ts";
import type { Look } from "../look.ts";
import type { Out } from "../out.ts";
import type { ModelOptions } from "../source.ts";
import { orStop, Stop } from "../stop.ts";
import { showTable } from "../table.ts";
import { loadTraining, type LoadedTraining } from "../train/model.ts";

type Sizes = ReadonlyMap<string, number>;

/** What a training step takes if all that the backward reads is kept, and if iterations are made again. */
interface TrainingStats {
  readonly dims: Readonly<Record<string, number>>;
  readonly optimizer: string;
  /** Repeats whose iterations are made again: those that the model marks, else its outermost ones. */
  readonly checkpoint: { readonly marked: boolean; readonly repeats: readonly string[] };
  readonly kept: StepCosts;
  /** Undefined for a model without repeats. */
  readonly recomputed: StepCosts | undefined;
}

export function lookAtTrainingStats(source: Source, options: ModelOptions, given: Sizes, out: Out): Look {
  const loaded = loadTraining(source, options, out);
  const { train } = loaded.model;
  const sizes = orStop(completeDims(train.graph.symbols, new Map([...batchOf(loaded), ...given])));
  const checkpoint = repeatsOf(train.graph);
  const costs = (checkpoints: Checkpoints): StepCosts => {
    const { update, diagnostics } = trainingStep(train.graph, { ...loaded.options, checkpoints });
    if (diagnostics.some(isError)) throw new Stop(diagnostics);
    return costsOf(update, sizes);
  };
  const stats: TrainingStats = {
    dims: Object.fromEntries(sizes),
    optimizer: loaded.options.optimizer.name,
    checkpoint,
    kept: costs("none"),
    recomputed:
      checkpoint.repeats.length === 0 ? undefined : costs(checkpoint.marked ? "marked" : "outermost"),
  };
  return { json: () => stats, text: () => show(stats, sizes) };
}

/** The batch of the `train` section, as the size of the dim that is the first axis of the first input. */
function batchOf({ model: { train } }: LoadedTraining): readonly (readonly [string, number])[] {
  const first = train.graph.inputs[0]?.value.type.shape[0]?.key;
  const isSymbol = train.graph.symbols.some(({ name }) => name === first);
  return first === undefined || !isSymbol || train.batch === undefined ? [] : [[first, train.batch]];
}

/**
 * The labels of the repeats that are checkpointed; where the model marks none, of those of the user's files that stand
 * in no other.
 */
function repeatsOf(graph: Graph): TrainingStats["checkpoint"] {
  const marked = new Set<string>();
  const outermost = new Set<string>();
  const look = (section: Section, isInRepeat: boolean): void => {
    const { label, repeat } = section;
    if (repeat?.checkpoint === true) marked.add(label);
    if (repeat !== undefined && !isInRepeat && !repeat.library) outermost.add(label);
    for (const inner of sectionsOf(section)) look(inner, isInRepeat || repeat !== undefined);
  };
  look(outlineOf(graph), false);
  return { marked: marked.size > 0, repeats: [...(marked.size > 0 ? marked : outermost)] };
}

function show(stats: TrainingStats, sizes: Sizes): string {
  const { kept, recomputed, optimizer } = stats;
  const columns = recomputed === undefined ? [kept] : [kept, recomputed];
  const row = (name: string, pick: (costs: StepCosts) => string): string[] => [name, ...columns.map(pick)];
  const bytes = (name: string, pick: (costs: StepCosts) => number): string[][] =>
    pick(kept) === 0 ? [] : [row(name, (costs) => showBytes(pick(costs)))];
  const flops = (name: string, pick: (costs: StepCosts["flops"]) => number): string[] =>
    row(name, (costs) => `${showScaled(pick(costs.flops))}FLOP`);
  const rows = [
    ...bytes("parameters", (costs) => costs.parameters),
    ...bytes("running statistics", (costs) => costs.statistics),
    ...bytes(`state of ${optimizer}`, (costs) => costs.optimizer),
    ...bytes("sums of gradients", (costs) => costs.accumulated),
    ...bytes("gradients", (costs) => costs.gradients),
    ...bytes("activations kept", (costs) => costs.activations),
    ...bytes("arena", (costs) => costs.arena),
    ...bytes("peak memory", (costs) => costs.peak),
    flops("forward", ({ forward }) => forward),
    ...(recomputed === undefined ? [] : [flops("made again", ({ recompute }) => recompute)]),
    flops("backward", ({ backward }) => backward),
    flops("update", ({ update }) => update),
    row("steps of the plan", ({ steps }) => showCount(steps)),
  ];
  const heads = ["", "all kept", ...(recomputed === undefined ? [] : ["with checkpoint"])];
  const dims = showDims(sizes);
  return `A training step${dims === "" ? "" : ` with ${dims}`}; ${whatIsAgain(stats.checkpoint)}\n\n${showTable(heads, rows, [1, 2])}`;
}

function whatIsAgain({ marked, repeats }: TrainingStats["checkpoint"]): string {
  if (repeats.length === 0) return "the model has no repeat that could be checkpointed";
  const names = listWords(repeats.map((label) => `\`${label === "" ? "repeat" : label}\``));
  return marked
    ? `the model checkpoints ${names}`
    : `the model checkpoints nothing, it could write \`repeat … checkpoint\` at ${names}`;
}
