import { targetNames, targets, type Switches } from "../../emit/targets.ts";
import { randomInputs } from "../../ir/initialize.ts";
import { compareTargets } from "../../run/compare/compare.ts";
import { describeComparison, differencesBeyond } from "../../run/compare/describe.ts";
import type { Source } from "../../support/source.ts";
import { plural } from "../../support/text.ts";
import { showDims, smallDims } from "../../run/sizes.ts";
import { parseDims, parseNumber } from "../arguments.ts";
import { againstOptions, compareWeights, requireForm, type AgainstOptions } from "../compare/against.ts";
import type { Command } from "../command.ts";
import { showEveryStep, showSummary } from "../compare/report.ts";
import { loadModel } from "../load.ts";
import { writeJson, type Out } from "../out.ts";
import { readSource, stdinOption, type StdinOptions } from "../places.ts";
import { checkpointConfig, openChosenWeights, weightOptions } from "../run/chosen.ts";
import { withTrainedRun } from "../run/trained.ts";
import { modelOrRunArgument, modelOptions, outputOption, passOptions } from "../source.ts";
import { orStop, Stop } from "../stop.ts";
import {
  dawnOption,
  defaultTarget,
  parseTargets,
  engineOptionsOf,
  requireTaken,
  severalTargets,
  switchNames,
  switchOptions,
  threadsOption,
  type DawnOptions,
  type ThreadOptions,
} from "../targets.ts";

interface CompareOptions extends AgainstOptions, StdinOptions, Switches, DawnOptions, ThreadOptions {
  readonly targets?: string;
  readonly dims?: string;
  readonly seed?: string;
  readonly tolerance?: string;
  readonly steps?: true;
}

/** What `--against` has no use for. */
const ofTargets = [...["targets", "dims", "seed", "tolerance", "steps", "threads", "dawn"], ...switchNames];

export const command: Command = {
  arguments: [modelOrRunArgument],
  options: [
    ...modelOptions,
    outputOption,
    stdinOption,
    {
      flags: "--targets <names>",
      description: `what to run: ${severalTargets(",")}; all if not given`,
    },
    ...weightOptions,
    {
      flags: "--dims <sizes>",
      description: "run-time dims, such as B=1,T=16; B=2 and others 7 if not given",
    },
    { flags: "--seed <number>", description: "of the random inputs; 0 if not given" },
    {
      flags: "--tolerance <share>",
      description: `the largest difference, relative to the largest element; ${targets[defaultTarget].tolerance({}).toExponential()}`,
    },
    { flags: "--steps", description: "every step, not only the first that differs" },
    { flags: "--json", description: "every step, or tensor, as JSON" },
    ...againstOptions,
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
    [
      "lmg compare llama.lmg --weights FOLDER-int8 --against FOLDER --data text.txt",
      "what quantized weights cost: the error of each layer, and the next tokens of a text",
    ],
    [
      "lmg compare llama.lmg --weights FOLDER --quantize int4 --against FOLDER",
      "the same of weights that are quantized as they are loaded",
    ],
  ],
  async run([given], asked: CompareOptions, out) {
    requireForm(asked, ofTargets);
    const { model, options } = withTrainedRun(given!, asked);
    const source = await readSource(model, options, out);
    const { against } = options;
    if (against === undefined) await compareOnTargets(source, options, out);
    else await compareWeights(source, { ...options, against }, out);
  },
};

/** Each step of the model on each target beside the interpreter. */
async function compareOnTargets(source: Source, options: CompareOptions, out: Out): Promise<void> {
  const targets = parseTargets("--targets", options.targets ?? targetNames.join(","));
  requireTaken(options, targets, (target) => `let --targets name ${target}`);
  const seed = orStop(parseNumber("--seed", options.seed ?? "0", 0, 2 ** 32 - 1, true));
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
}
