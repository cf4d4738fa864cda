import { targetNames, targets, type TargetName } from "../../emit/targets.ts";
import { engines } from "../../run/engines.ts";
import { checkFit, dispatchReport, type FitProblem } from "../../emit/wgsl/fit.ts";
import { Problem } from "../../checkpoint/problem.ts";
import { wgslOptionsOf, type WgslSwitches } from "../../emit/wgsl/switches.ts";
import { portableTarget, type Target } from "../../kernels/target.ts";
import { planOfPart, type Plan, type ProgramPlan } from "../../plan/plan.ts";
import type { Sizes } from "../../plan/stats.ts";
import type { Source } from "../../support/source.ts";
import { plural } from "../../support/text.ts";
import { completeDims, showDims } from "../../run/sizes.ts";
import { parseDims } from "../arguments.ts";
import type { Command } from "../command.ts";
import { readLimits } from "../fit/limits.ts";
import { compileQuantizeOptions, packedGraph, planPacked } from "../compile/packed.ts";
import { hostMemory, hostMisfit } from "../fit/memory.ts";
import { loadModel, loadPlan } from "../load.ts";
import { checkpointConfig, openChosenWeights, weightOptions, type WeightChoice } from "../run/chosen.ts";
import { packChosen, type QuantizeOptions } from "../run/quantized.ts";
import { showBytes } from "../numbers.ts";
import { lookAtEach, type Look, type LookOptions } from "../look.ts";
import type { Out } from "../out.ts";
import { modelsArgument, stdinOption } from "../places.ts";
import { modelOptions, outputOption, passOptions, trainOption } from "../source.ts";
import { orStop, stop } from "../stop.ts";
import { dawnOption, requireTaken, switchOptions, type DawnOptions } from "../targets.ts";

interface FitCommandOptions
  extends Omit<LookOptions, "config">, WgslSwitches, DawnOptions, WeightChoice, QuantizeOptions {
  readonly train?: true;
  readonly limits: string;
  readonly dims?: string;
  readonly target: TargetName;
}

export const command: Command = {
  arguments: [modelsArgument],
  options: [
    ...modelOptions,
    outputOption,
    trainOption,
    {
      flags: "--target <target>",
      description: "what it is to fit: a device of WebGPU, or the memory of this machine",
      choices: targetNames,
      default: "wgsl",
    },
    {
      flags: "--limits <where>",
      description: "default: what every WebGPU device allows; adapter: that of this machine; or a JSON file",
      default: "default",
    },
    ...weightOptions,
    ...compileQuantizeOptions,
    { flags: "--dims <sizes>", description: "run-time dims, such as B=1,T=128; 1 and T=128 if not given" },
    { flags: "--json", description: "as JSON" },
    stdinOption,
    ...switchOptions,
    dawnOption,
    ...passOptions,
  ],
  examples: [
    [
      "lmg fit gpt2.lmg --dims T=1024",
      "can every WebGPU device run 1024 tokens? If not: which line, which limit",
    ],
    ["lmg fit gpt2.lmg --dims T=1024 --f16 --limits adapter", "can this machine, in half precision?"],
    ["lmg fit gpt2.lmg --train --dims B=4,T=1024", "can every WebGPU device train it?"],
    ["lmg fit llama.lmg --config FOLDER --target wasm", "how much memory takes it as WebAssembly?"],
    ["lmg fit llama.lmg --weights FILE.gguf --target wasm", "and with its weights as a checkpoint has them?"],
  ],
  async run(args, asked: FitCommandOptions, out) {
    if (asked.dawn !== undefined && asked.limits !== "adapter")
      stop("E822", "--dawn chooses an adapter, and none is asked", "give --limits adapter too");
    const given = orStop(parseDims(asked.dims));
    if (asked.target !== "wgsl" && asked.limits !== "default")
      stop("E822", "--limits are those of a WebGPU device", "leave it out, or --target");
    requireTaken(asked, [asked.target]);
    const look = asked.target === "wgsl" ? lookAtFit : lookAtMemory;
    await lookAtEach(args, asked, out, (source, options) => look(source, options, given, out));
  },
};

async function lookAtFit(source: Source, options: FitCommandOptions, given: Sizes, out: Out): Promise<Look> {
  const plan = await chosenPlan(source, options, out, portableTarget);
  const sizes = orStop(completeDims(plan.symbols, given));
  const { limits, where } = await readLimits(options.limits, options.dawn ?? []);
  const target = wgslOptionsOf(options);
  const problems = checkFit(plan, sizes, { ...target, limits });
  const dims = showDims(sizes);
  return {
    json: () => {
      const costs = dispatchReport(plan, sizes, target);
      const totals = { ...costs, dispatches: costs.dispatches.length };
      return { model: plan.name, dims: Object.fromEntries(sizes), limits, problems, costs: totals };
    },
    text: () => {
      if (problems.length > 0) return "";
      const { dispatches, kernels, residentBytes, runBytes } = dispatchReport(plan, sizes, target);
      const resident = options.train === true ? "state" : "weights";
      return (
        `${plan.name} fits ${where}${dims === "" ? "" : ` with ${dims}`}\n` +
        `  ${dispatches.length} dispatches of ${plural(kernels, "kernel")} in a run\n` +
        `  ${showBytes(residentBytes)} of ${resident} on the device, ${showBytes(runBytes)} for a run\n`
      );
    },
    problems: showProblems(problems, where, dims),
  };
}

/** The plan of a model as it would be run: with the weights as codes that are asked for, or that a checkpoint has so. */
async function chosenPlan(
  source: Source,
  options: FitCommandOptions,
  out: Out,
  target: Target,
): Promise<Plan> {
  if (options.train === true) return (await loadPlan(source, options, out, { target })).plan;
  const loaded = await loadModel(source, options, out, { config: checkpointConfig(options), target });
  if (options.weights === undefined)
    return planOfProgram(planPacked(loaded, packedGraph(loaded, options, target), target));
  const weights = openChosenWeights(loaded.model, options, out);
  try {
    return packChosen(loaded, weights, options, target).plan;
  } finally {
    weights.close();
  }
}

/** A program of one part as the plan that it was. */
const planOfProgram = (program: ProgramPlan): Plan => ({
  ...planOfPart(program, program.parts[0]!),
  name: program.name,
});

/** What a model takes of this machine, before anything of it is read. */
async function lookAtMemory(
  source: Source,
  options: FitCommandOptions,
  given: Sizes,
  out: Out,
): Promise<Look> {
  const { target } = options;
  const plan = await chosenPlan(source, options, out, targets[target].target(options));
  const sizes = orStop(completeDims(plan.symbols, given));
  const memory = await hostMemory(plan, sizes, target);
  const misfit = hostMisfit(target, memory);
  const dims = showDims(sizes);
  const problem = (message: string): Problem =>
    new Problem(
      "E833",
      `${message}${dims === "" ? "" : ` (${dims})`}`,
      "smaller --dims may do, or a model of fewer bytes",
    );
  return {
    json: () => ({
      model: plan.name,
      dims: Object.fromEntries(sizes),
      target,
      memory,
      fits: misfit === undefined,
    }),
    text: () =>
      misfit !== undefined
        ? ""
        : `${plan.name} as ${engines[target].runs}${dims === "" ? "" : ` with ${dims}`}\n` +
          `  ${showBytes(memory.residentBytes)} for its weights, ${showBytes(memory.runBytes)} for a run\n` +
          `  ${showBytes(memory.loadBytes)} more while the weights are brought there; at most ${showBytes(memory.peakBytes)} at once\n`,
    problems: misfit === undefined ? [] : [problem(misfit)],
  };
}

/** How many steps are told; where one tensor is too large, many steps bind it. */
const SHOWN = 8;

/** One mistake a step and limit, and after the last what may help. */
function showProblems(problems: readonly FitProblem[], where: string, dims: string): readonly Problem[] {
  const shown = problems.slice(0, SHOWN);
  const more = problems.length - shown.length;
  const help = [
    ...(more > 0 ? [`${more} more like this; --json has them all`] : []),
    ...(dims !== "" ? [`that is more than fits ${where}; smaller --dims may do`] : []),
  ].join("; ");
  return shown.map(({ message }, index) => {
    const isLast = index === shown.length - 1 && help !== "";
    return new Problem("E833", dims === "" ? message : `${message} (${dims})`, isLast ? help : undefined);
  });
}
