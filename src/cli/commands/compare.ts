import { targetNames, targets, type Switches } from "../../emit/targets.ts";
import { randomInputs } from "../../ir/initialize.ts";
import { compareTargets } from "../../run/compare/compare.ts";
import { describeComparison, differencesBeyond } from "../../run/compare/describe.ts";
import { plural } from "../../support/text.ts";
import { showDims, smallDims } from "../../run/sizes.ts";
import { parseDims, parseNumber } from "../arguments.ts";
import type { Command } from "../command.ts";
import { showEveryStep, showSummary } from "../compare/report.ts";
import { loadModel } from "../load.ts";
import { writeJson } from "../out.ts";
import { readSource, stdinOption, type StdinOptions } from "../places.ts";
import { checkpointConfig, openChosenWeights, weightOptions, type WeightChoice } from "../run/chosen.ts";
import { withTrainedRun } from "../run/trained.ts";
import { modelOrRunArgument, modelOptions, outputOption, passOptions, type ModelOptions } from "../source.ts";
import { orStop, Stop } from "../stop.ts";
import {
  dawnOption,
  defaultTarget,
  parseTargets,
  engineOptionsOf,
  requireTaken,
  severalTargets,
  switchOptions,
  threadsOption,
  type DawnOptions,
  type ThreadOptions,
} from "../targets.ts";

interface CompareOptions
  extends Omit<ModelOptions, "config">, StdinOptions, WeightChoice, Switches, DawnOptions, ThreadOptions {
  readonly targets: string;
  readonly dims?: string;
  readonly seed: string;
  readonly tolerance?: string;
  readonly steps?: true;
  readonly json?: true;
}

export const command: Command = {
  arguments: [modelOrRunArgument],
  options: [
    ...modelOptions,
    outputOption,
    stdinOption,
    {
      flags: "--targets <names>",
      description: `what to run: ${severalTargets(",")}`,
      default: targetNames.join(","),
    },
    ...weightOptions,
    {
      flags: "--dims <sizes>",
      description: "run-time dims, such as B=1,T=16; B=2 and others 7 if not given",
    },
    { flags: "--seed <number>", description: "of the random inputs", default: "0" },
    {
      flags: "--tolerance <share>",
      description: `the largest difference, relative to the largest element; ${targets[defaultTarget].tolerance({}).toExponential()}`,
    },
    { flags: "--steps", description: "every step, not only the first that differs" },
    { flags: "--json", description: "every step as JSON" },
    ...switchOptions,
    threadsOption,
    dawnOption,
    ...passOptions,
  ],
  examples: [
    ["lmg compare model.lmg --random 0", "run all targets and the interpreter, step by step and as they are"],
    [
      "lmg compare gpt2.lmg --weights FOLDER --targets wgsl --f16 --steps",
      "what half precision costs, and where",
    ],
    ["lmg compare runs/chars", "a model that `lmg train` trained"],
  ],
  async run([given], asked: CompareOptions, out) {
    const { path, options } = withTrainedRun(given!, asked);
    const source = await readSource(path, options, out);
    const targets = parseTargets("--targets", options.targets);
    requireTaken(options, targets, (target) => `let --targets name ${target}`);
    const seed = orStop(parseNumber("--seed", options.seed, 0, 2 ** 32 - 1, true));
    const config = checkpointConfig(options);
    const loaded = await loadModel(source, options, out, config === undefined ? {} : { config });
    const sizes = orStop(smallDims(loaded.graph.symbols, orStop(parseDims(options.dims))));
    const inputs = new Map(Object.entries(randomInputs(loaded.model.graph, sizes, seed)));
    const weights = openChosenWeights(loaded.model, options, out);
    try {
      const { tolerance } = options;
      const comparisons = orStop(
        await compareTargets(targets, loaded, weights, inputs, {
          ...engineOptionsOf(options),
          tolerance:
            tolerance === undefined ? undefined : orStop(parseNumber("--tolerance", tolerance, 0, Infinity)),
        }),
      );
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
