import type { Sizes } from "../../plan/stats.ts";
import { showDims } from "../../run/sizes.ts";
import type { Source } from "../../support/source.ts";
import { listWords } from "../../support/text.ts";
import type { StepCosts } from "../../train/costs.ts";
import { trainingStats, type TrainingStats } from "../../train/stats.ts";
import type { Look } from "../look.ts";
import { showBytes, showCount, showScaled } from "../numbers.ts";
import type { Out } from "../out.ts";
import type { ModelOptions } from "../source.ts";
import { Stop } from "../stop.ts";
import { showTable } from "../table.ts";
import { loadTraining } from "../train/model.ts";

export function lookAtTrainingStats(source: Source, options: ModelOptions, given: Sizes, out: Out): Look {
  const { model, options: step } = loadTraining(source, options, out);
  const stats = trainingStats(model.train, step, given);
  if (!("dims" in stats)) throw new Stop(stats);
  return { json: () => stats, text: () => show(stats) };
}

function show(stats: TrainingStats): string {
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
  const dims = showDims(new Map(Object.entries(stats.dims)));
  return `A training step${dims === "" ? "" : ` with ${dims}`}; ${whatIsAgain(stats.checkpoint)}\n\n${showTable(heads, rows, [1, 2])}`;
}

function whatIsAgain({ marked, repeats }: TrainingStats["checkpoint"]): string {
  if (repeats.length === 0) return "the model has no repeat that could be checkpointed";
  const names = listWords(repeats.map((label) => `\`${label === "" ? "repeat" : label}\``));
  return marked
    ? `the model checkpoints ${names}`
    : `the model checkpoints nothing, it could write \`repeat … checkpoint\` at ${names}`;
}
