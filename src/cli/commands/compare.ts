import { quote } from "../../checkpoint/problem.ts";
import type { SymbolDeclaration } from "../../ir/graph.ts";
import { randomInputs } from "../../ir/initialize.ts";
import { planGraph } from "../../plan/build.ts";
import type { Plan } from "../../plan/plan.ts";
import type { Sizes } from "../../plan/stats.ts";
import { plural } from "../../support/text.ts";
import type { HostTensor } from "../../tensor/host.ts";
import { completeDims, parseDims, parseNumber, showDims } from "../arguments.ts";
import type { Command } from "../command.ts";
import { differencesOf, outputDifferencesOf } from "../compare/differences.ts";
import { observeSteps } from "../compare/observe.ts";
import {
  describeComparison,
  differencesBeyond,
  showEveryStep,
  showSummary,
  type Comparison,
} from "../compare/report.ts";
import { loadModel, type LoadedModel } from "../load.ts";
import { writeJson } from "../out.ts";
import { readSource, stdinOption, type StdinOptions } from "../places.ts";
import { checkpointConfig, openChosenWeights, weightOptions, type WeightChoice } from "../run/chosen.ts";
import { interpreterEngine, planEngine, type Engine } from "../run/engine.ts";
import { withTrainedRun } from "../run/trained.ts";
import type { Weights } from "../run/weights.ts";
import { modelOrRunArgument, modelOptions, outputOption, passOptions, type ModelOptions } from "../source.ts";
import { orStop, stop, Stop } from "../stop.ts";
import {
  dawnOption,
  requireShaders,
  wgslOptionsOf,
  wgslOptionSpecs,
  type DawnOptions,
  type WgslChoices,
} from "../targets.ts";

interface CompareOptions
  extends Omit<ModelOptions, "config">, StdinOptions, WeightChoice, WgslChoices, DawnOptions {
  readonly targets: string;
  readonly dims?: string;
  readonly seed: string;
  readonly tolerance?: string;
  readonly steps?: true;
  readonly json?: true;
}

/**
 * Largest difference that counts as rounding, relative to the largest element of the same result. Float32 rounds to
 * 6e-8, and a deep model adds up a hundred such errors and magnifies them in norms; half precision rounds to 5e-4.
 */
const ROUNDING = { f32: 1e-4, f16: 5e-2 };

export const command: Command = {
  arguments: [modelOrRunArgument],
  options: [
    ...modelOptions,
    outputOption,
    stdinOption,
    {
      flags: "--targets <names>",
      description: "what to run: ts, wgsl, or both as ts,wgsl",
      default: "ts,wgsl",
    },
    ...weightOptions,
    {
      flags: "--dims <sizes>",
      description: "run-time dims, such as B=1,T=16; B=2 and others 7 if not given",
    },
    { flags: "--seed <number>", description: "of the random inputs", default: "0" },
    {
      flags: "--tolerance <share>",
      description: "the largest difference, relative to the largest element; 1e-4",
    },
    { flags: "--steps", description: "every step, not only the first that differs" },
    { flags: "--json", description: "every step as JSON" },
    ...wgslOptionSpecs,
    dawnOption,
    ...passOptions,
  ],
  examples: [
    [
      "lmg compare model.lmg --random 0",
      "run both targets and the interpreter, step by step and as they are",
    ],
    [
      "lmg compare gpt2.lmg --weights FOLDER --targets wgsl --f16 --steps",
      "what half precision costs, and where",
    ],
    ["lmg compare runs/chars", "a model that `lmg train` trained"],
  ],
  async run([given], asked: CompareOptions, out) {
    const { path, options } = withTrainedRun(given!, asked);
    const source = await readSource(path, options, out);
    const targets = parseTargets(options.targets);
    requireShaders(options, targets.includes("wgsl"), "let --targets name wgsl");
    const seed = orStop(parseNumber("--seed", options.seed, 0, 2 ** 32 - 1, true));
    const config = checkpointConfig(options);
    const loaded = await loadModel(source, options, out, config === undefined ? {} : { config });
    const sizes = smallDims(loaded.graph.symbols, options.dims);
    const inputs = new Map(Object.entries(randomInputs(loaded.model.graph, sizes, seed)));
    const weights = openChosenWeights(loaded.model, options, out);
    try {
      const comparisons = await compareTargets(targets, loaded, weights, inputs, options);
      const head = `${weights.from}; ${plural(comparisons[0]!.differences.length, "result")} of steps`;
      const dims = sizes.size === 0 ? "" : `, ${showDims(sizes)}`;
      if (options.json === true) writeJson(out, comparisons.map(describeComparison));
      else if (options.steps === true) out.write(`${head}${dims}\n${showEveryStep(comparisons)}`);
      else out.write(`${head}${dims}\n${showSummary(comparisons)}`);
      const problems = differencesBeyond(comparisons);
      if (problems.length > 0) throw new Stop(problems);
    } finally {
      weights.close();
    }
  },
};

type Target = "ts" | "wgsl";

function parseTargets(text: string): readonly Target[] {
  const names = [...new Set(text.split(",").map((name) => name.trim()))];
  const unknown = names.find((name) => name !== "ts" && name !== "wgsl");
  if (unknown !== undefined)
    stop("E841", `--targets expects ts, wgsl or both as ts,wgsl, found ${quote(unknown)}`);
  return names as Target[];
}

/** Small sizes that no tile of a kernel divides, where none are given: the interpreter takes its time. */
function smallDims(symbols: readonly SymbolDeclaration[], text: string | undefined): Sizes {
  const given = orStop(parseDims(text));
  const small = symbols.map(
    ({ name, max = Infinity }) => [name, Math.min(name === "B" ? 2 : 7, max)] as const,
  );
  return orStop(completeDims(symbols, new Map([...small, ...given])));
}

/**
 * Runs the graph with every step's results as outputs, by the interpreter and by each target, and by each target as it is
 * too: where every value is observed each has memory of its own, and a mistake in sharing it would not show.
 */
async function compareTargets(
  targets: readonly Target[],
  { graph, plan }: Pick<LoadedModel, "graph" | "plan">,
  weights: Weights,
  inputs: ReadonlyMap<string, HostTensor>,
  options: CompareOptions,
): Promise<readonly Comparison[]> {
  const seen = observeSteps(graph);
  const observedPlan = planGraph(seen.graph);
  const expected = await interpreterEngine(seen.graph, weights).run(inputs);
  const comparisons: Comparison[] = [];
  for (const target of targets) {
    const run = async (each: Plan): Promise<ReadonlyMap<string, HostTensor>> => {
      const engine = await openTarget(target, each, weights, options);
      try {
        return await engine.run(inputs);
      } finally {
        engine.close();
      }
    };
    const differences = differencesOf(seen.observed, expected, await run(observedPlan));
    const outputs = outputDifferencesOf(expected, await run(plan));
    comparisons.push({ target, tolerance: toleranceOf(target, options), differences, outputs });
  }
  return comparisons;
}

function toleranceOf(target: Target, { tolerance, f16, f16Arithmetic }: CompareOptions): number {
  if (tolerance !== undefined) return orStop(parseNumber("--tolerance", tolerance, 0, Infinity));
  return target === "wgsl" && (f16 === true || f16Arithmetic === true) ? ROUNDING.f16 : ROUNDING.f32;
}

async function openTarget(
  target: Target,
  plan: Plan,
  weights: Weights,
  options: CompareOptions,
): Promise<Engine> {
  if (target === "ts") return planEngine(plan, weights);
  const { wgslEngine } = await import("../run/wgsl-engine.ts");
  return wgslEngine(plan, weights, wgslOptionsOf(options), { dawn: options.dawn ?? [] });
}
