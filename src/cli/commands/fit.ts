import { targetNames, targets, type TargetName } from "../../emit/targets.ts";
import { engines } from "../../run/engines.ts";
import { checkFit, dispatchReport, type FitProblem } from "../../emit/wgsl/fit.ts";
import { Problem } from "../../checkpoint/problem.ts";
import { wgslOptionsOf, type WgslSwitches } from "../../emit/wgsl/switches.ts";
import type { Sizes } from "../../plan/stats.ts";
import type { Source } from "../../support/source.ts";
import { plural } from "../../support/text.ts";
import { completeDims, showDims } from "../../run/sizes.ts";
import { parseDims } from "../arguments.ts";
import type { Command } from "../command.ts";
import { readLimits } from "../fit/limits.ts";
import { hostMemory, hostMisfit } from "../fit/memory.ts";
import { loadPlan } from "../load.ts";
import { showBytes } from "../numbers.ts";
import { lookAtEach, type Look, type LookOptions } from "../look.ts";
import type { Out } from "../out.ts";
import { modelsArgument, stdinOption } from "../places.ts";
import { modelOptions, outputOption, passOptions, trainOption } from "../source.ts";
import { orStop, stop } from "../stop.ts";
import { dawnOption, requireTaken, switchOptions, type DawnOptions } from "../targets.ts";

interface FitCommandOptions extends LookOptions, WgslSwitches, DawnOptions {
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
  const { plan } = await loadPlan(source, options, out);
  const sizes = orStop(completeDims(plan.symbols, given));
  const { limits, where } = await readLimits(options.limits, options.dawn ?? []);
  const target = wgslOptionsOf(options);
  const problems = checkFit(plan, sizes, { ...target, limits });
  const costs = dispatchReport(plan, sizes, target);
  const dims = showDims(sizes);
  return {
    json: () => {
      const totals = { ...costs, dispatches: costs.dispatches.length };
      return { model: plan.name, dims: Object.fromEntries(sizes), limits, problems, costs: totals };
    },
    text: () => {
      if (problems.length > 0) return "";
      const { dispatches, kernels, residentBytes, runBytes } = costs;
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

/** What a model takes of this machine, before anything of it is read. */
async function lookAtMemory(
  source: Source,
  options: FitCommandOptions,
  given: Sizes,
  out: Out,
): Promise<Look> {
  const { target } = options;
  const { plan } = await loadPlan(source, options, out, { target: targets[target].target(options) });
  const sizes = orStop(completeDims(plan.symbols, given));
  const memory = hostMemory(plan, sizes);
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
          `  ${showBytes(memory.loadBytes)} more while the weights are brought there\n`,
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
