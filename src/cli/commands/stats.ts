import { evaluateCost, peakBytes, readByToken, statsOf, type StatsRow } from "../../ir/stats.ts";
import { runPasses } from "../../passes/pipeline.ts";
import { planGraph } from "../../plan/build.ts";
import type { Plan } from "../../plan/plan.ts";
import { planTotals as totalsOfPlan } from "../../plan/stats.ts";
import { Problem } from "../../checkpoint/problem.ts";
import { keptBytes } from "../../incremental/kept-bytes.ts";
import { decodingProgram } from "../../incremental/program.ts";
import { Refusal } from "../../incremental/refusal.ts";
import { tokenInput } from "../../run/tokens.ts";
import { DEFAULT_CAPACITY } from "../../session/session.ts";
import type { Source } from "../../support/source.ts";
import { completeDims, showDims } from "../../run/sizes.ts";
import { parseDims, parseNumber } from "../arguments.ts";
import type { Command } from "../command.ts";
import { loadModel, type LoadedModel } from "../load.ts";
import { lookAtEach, type Look, type LookOptions } from "../look.ts";
import type { Out } from "../out.ts";
import { modelsArgument, stdinOption } from "../places.ts";
import { modelOptions, outputOption } from "../source.ts";
import { orStop } from "../stop.ts";
import { showBytes, showCount, showScaled } from "../numbers.ts";
import { showTable } from "../table.ts";

interface StatsOptions extends LookOptions {
  readonly train?: true;
  readonly shard?: string;
  readonly dims?: string;
  readonly depth: string;
}

type Sizes = ReadonlyMap<string, number>;

export const command: Command = {
  arguments: [modelsArgument],
  options: [
    ...modelOptions,
    outputOption,
    {
      flags: "--train",
      description: "memory and operations of a training step, with and without checkpointed repeats",
    },
    {
      flags: "--shard <devices>",
      description:
        "what each of so many devices holds and receives in a training step by PyTorch; `64,tensor=8`: 8 at a time share layers out",
    },
    {
      flags: "--dims <sizes>",
      description:
        "run-time dims, such as B=1,T=128; 1 and T=128 if not given, with --train the model's batch",
    },
    { flags: "--depth <levels>", description: "how many levels of labels to print", default: "2" },
    { flags: "--json", description: "the totals and all levels as JSON" },
    stdinOption,
  ],
  examples: [
    [
      "lmg stats model.lmg --dims B=1,T=1024",
      "parameters, operations and bytes of each part, repeats folded",
    ],
    ["lmg stats gpt2.lmg --config FOLDER", "with the sizes of a published checkpoint"],
    [
      "lmg stats model.lmg --shard 64,tensor=8 --dims B=64,T=4096",
      "bytes on each device, and between them by residual edge",
    ],
    ["lmg stats model.lmg --train --dims B=12,T=64", "what a training step keeps, and what it computes"],
  ],
  async run(args, asked: StatsOptions, out) {
    const depth = orStop(parseNumber("--depth", asked.depth, 1, 100, true));
    const given = orStop(parseDims(asked.dims));
    await lookAtEach(args, asked, out, async (source, options) => {
      if (asked.shard !== undefined) {
        const { lookAtSharded, parseMesh } = await import("../stats/sharded.ts");
        return lookAtSharded(source, options, given, orStop(parseMesh(asked.shard)), out);
      }
      if (options.train !== true) return lookAtStats(source, options, { given, depth }, out);
      const { lookAtTrainingStats } = await import("../stats/training.ts");
      return lookAtTrainingStats(source, options, given, out);
    });
  },
};

async function lookAtStats(
  source: Source,
  options: StatsOptions,
  { given, depth }: { readonly given: Sizes; readonly depth: number },
  out: Out,
): Promise<Look> {
  const fused = await loadModel(source, options, out);
  const { graph, notNeeded } = fused.model;
  const unfused = planGraph(runPasses(graph, { fuse: false }), { notNeeded });
  const sizes = orStop(completeDims(fused.model.graph.symbols, given));
  const totals = totalsOf(fused, unfused, sizes);
  const { rows } = statsOf(fused.model.graph);
  return {
    json: () => ({
      dims: Object.fromEntries(sizes),
      totals,
      parts: rows.map((row) => jsonRow(row, sizes)),
    }),
    text: () => `${showRows(rows, sizes, depth)}\n${showTotals(totals, sizes)}`,
  };
}

interface Totals {
  readonly parameters: number;
  readonly trainable: number;
  readonly parameterBytes: number;
  /** What a token reads of them: of experts those that it chose. */
  readonly readByToken: { readonly parameters: number; readonly bytes: number };
  readonly flops: number;
  readonly fused: PlanTotals;
  readonly unfused: PlanTotals;
  /** Bytes of all values that live at once, if each had memory of its own until its last reader. */
  readonly liveBytes: number;
  /** What a text keeps that is read a few positions at a time; null if the model reads none so, or keeps nothing. */
  readonly cache: Cache | null;
}

interface Cache {
  readonly bytesAPosition: number;
  /** As many positions as the model takes, or as a session has memory for unasked. */
  readonly positions: number;
  readonly bytes: number;
}

interface PlanTotals {
  readonly steps: number;
  readonly bytesMoved: number;
  readonly arenaBytes: number;
}

function totalsOf(fused: LoadedModel, unfused: Plan, sizes: Sizes): Totals {
  const { graph } = fused.model;
  const { total, trainable, parameterBytes } = statsOf(graph);
  const { parameters, flops } = evaluateCost(total, sizes);
  const planTotals = (plan: Plan): PlanTotals => {
    const { steps, bytesMoved, arenaBytes } = totalsOfPlan(plan, sizes);
    return { steps, bytesMoved, arenaBytes };
  };
  return {
    parameters,
    trainable,
    parameterBytes,
    readByToken: readByToken(graph),
    flops,
    fused: planTotals(fused.plan),
    unfused: planTotals(unfused),
    liveBytes: peakBytes(graph, sizes),
    cache: cacheOf(fused),
  };
}

function cacheOf({ model }: LoadedModel): Cache | null {
  const input = tokenInput(model.graph);
  const symbol = input instanceof Problem ? undefined : input.value.type.shape.at(-1)!.key;
  const decoding = decodingProgram(model.graph, {
    fuse: false,
    parts: ["step"],
    ...(symbol === undefined ? {} : { symbol }),
  });
  if (decoding instanceof Refusal) return null;
  const { position, text } = keptBytes(decoding);
  if (position + text === 0) return null;
  const positions = decoding.limit ?? DEFAULT_CAPACITY;
  return { bytesAPosition: position, positions, bytes: text + positions * position };
}

const jsonRow = (row: StatsRow, sizes: Sizes): object => ({
  name: row.name,
  times: row.times,
  ...evaluateCost(row, sizes),
  parts: row.rows.map((inner) => jsonRow(inner, sizes)),
});

function showRows(rows: readonly StatsRow[], sizes: Sizes, depth: number): string {
  const lines: string[][] = [];
  const add = (row: StatsRow, level: number): void => {
    const { parameters, flops, bytes } = evaluateCost(row, sizes);
    const name = `${"  ".repeat(level)}${row.name}${row.times > 1 ? ` × ${row.times}` : ""}`;
    lines.push([name, showCount(parameters), showScaled(flops).trimEnd(), showBytes(bytes)]);
    if (level + 1 < depth) for (const inner of row.rows) add(inner, level + 1);
  };
  for (const row of rows) add(row, 0);
  return showTable(["part", "parameters", "FLOP", "bytes"], lines, [1, 2, 3]);
}

const showCache = ({ bytesAPosition, positions, bytes }: Cache): string =>
  `a text that is read token by token keeps ${showBytes(bytesAPosition)} a position: ${showBytes(bytes)} for ${showCount(positions)}\n`;

function showTotals(totals: Totals, sizes: Sizes): string {
  const { parameters, trainable, parameterBytes, flops, fused, unfused, liveBytes, cache } = totals;
  const dims = showDims(sizes);
  const frozen = parameters === trainable ? "" : `, ${showCount(trainable)} of them trainable`;
  const token = totals.readByToken;
  const read =
    token.parameters < parameters
      ? `; a token reads ${showCount(token.parameters)} of them, ${showBytes(token.bytes)}: those of the experts that it chose`
      : "";
  const sum = showTable(
    ["", "fused", "not fused"],
    [
      ["steps", showCount(fused.steps), showCount(unfused.steps)],
      ["bytes moved", showBytes(fused.bytesMoved), showBytes(unfused.bytesMoved)],
      ["arena", showBytes(fused.arenaBytes), showBytes(unfused.arenaBytes)],
    ],
    [1, 2],
  );
  return (
    `${showCount(parameters)} parameters${frozen}, ${showBytes(parameterBytes)}${read}\n` +
    `${showScaled(flops)}FLOP in a run${dims === "" ? "" : ` with ${dims}`}; values alive at once: ${showBytes(liveBytes)}\n${cache === null ? "" : showCache(cache)}\n${sum}`
  );
}
