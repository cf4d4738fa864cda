import { targetNames, targets, type Switches, type TargetName } from "../../emit/targets.ts";
import { planGraph } from "../../plan/build.ts";
import { describePlan, printPlan } from "../../plan/describe.ts";
import { layoutOf, type Layout } from "../../plan/layout.ts";
import { largestOf, planTotals, type Sizes } from "../../plan/stats.ts";
import type { Target } from "../../kernels/target.ts";
import type { Plan } from "../../plan/plan.ts";
import type { Source } from "../../support/source.ts";
import { completeDims, showDims } from "../../run/sizes.ts";
import { parseDims } from "../arguments.ts";
import type { Command } from "../command.ts";
import type { DispatchReport } from "../../emit/wgsl/fit.ts";
import { decodingOptions, loadStepPlan, type DecodingChoice, type StepPlan } from "../decoding.ts";
import { showToken, tokenCosts, type TokenCosts } from "../plan/token.ts";
import { packedGraph } from "../compile/packed.ts";
import { loadModel, loadPlan } from "../load.ts";
import { showBytes, showScaled } from "../numbers.ts";
import { lookAtEach, type Look, type LookOptions } from "../look.ts";
import type { Out } from "../out.ts";
import { modelsArgument, stdinOption } from "../places.ts";
import { modelOptions, outputOption, passOptions, trainOption } from "../source.ts";
import { orStop, stop } from "../stop.ts";
import { quantizeOptions, type QuantizeOptions } from "../run/quantized.ts";
import { defaultTarget, requireTaken, switchOptions } from "../targets.ts";

interface PlanOptions extends LookOptions, Switches, DecodingChoice, QuantizeOptions {
  readonly train?: true;
  readonly decode?: true;
  readonly target?: TargetName;
  readonly dims?: string;
}

const planQuantizeOptions = quantizeOptions.map((option) =>
  option.flags.startsWith("--quantize")
    ? {
        ...option,
        description:
          "with the weights in memory as `lmg run` keeps them: as 8-bit or 4-bit codes (int4: linears alone, tables and heads have 8 bits), as halves (bf16, f16), or as floats (none, if not given); of the target wasm unless --target says another",
      }
    : option,
);

export const command: Command = {
  arguments: [modelsArgument],
  options: [
    ...modelOptions,
    outputOption,
    trainOption,
    { flags: "--decode", description: "what runs for each new token of a text that is read token by token" },
    ...decodingOptions.map((each) => ({ ...each, description: `with --decode: ${each.description}` })),
    { flags: "--dims <sizes>", description: "run-time dims, such as B=1,T=128; 1 and T=128 if not given" },
    {
      flags: "--target <target>",
      description:
        "what a target makes of the steps: the memory they need, or the dispatches, with and without fusion",
      choices: targetNames,
    },
    ...planQuantizeOptions,
    { flags: "--json", description: "every step with its views, costs and attributes as JSON" },
    stdinOption,
    ...switchOptions,
    ...passOptions,
  ],
  examples: [
    ["lmg plan model.lmg", "the steps in order, what was fused in each, and where its result goes"],
    ["lmg plan model.lmg --no-fuse --dims T=1024", "the same without fusion, with the costs for 1024 tokens"],
    ["lmg plan model.lmg --target ts", "the same with the memory that kernels need while they run"],
    ["lmg plan model.lmg --target wgsl", "kernels, workgroups and bytes of every dispatch on a GPU"],
    ["lmg plan model.lmg --target wgsl --decode --dims P=511,C=1024", "the same of a token after 511 others"],
    [
      "lmg plan model.lmg --decode --quantize int4",
      "what runs for each token with weights in 4 bits, and its bytes",
    ],
  ],
  async run(args, given: PlanOptions, out) {
    const asked = given.quantize === undefined ? given : { target: defaultTarget, ...given };
    requireTaken(asked, asked.target === undefined ? [] : [asked.target]);
    const dims = orStop(parseDims(asked.dims));
    await lookAtEach(args, asked, out, (source, options) => lookAtPlan(source, options, dims, out));
  },
};

async function lookAtPlan(source: Source, options: PlanOptions, given: Sizes, out: Out): Promise<Look> {
  const target = options.target && targets[options.target].target(options);
  const asked = await planAsked(source, options, out, target);
  const { plan } = asked;
  const step = "decoding" in asked ? asked : undefined;
  const sizes = orStop(completeDims(plan.symbols, new Map([...(step?.sizes ?? []), ...given])));
  const dispatchesOf = options.target && (await targets[options.target].loadDispatches?.());
  if (dispatchesOf !== undefined) {
    const { lookAtDispatches } = await import("../plan/dispatches.ts");
    const fuse = options.fuse ?? true;
    const quiet = { ...out, note: () => undefined };
    const other = await planAsked(source, { ...options, fuse: !fuse }, quiet, target);
    const plans = { [fuse ? "fused" : "unfused"]: plan, [fuse ? "unfused" : "fused"]: other.plan };
    const reportOf = (each: Plan): DispatchReport => dispatchesOf(each, sizes, options);
    const look = lookAtDispatches(plans, sizes, reportOf);
    return withToken(look, step, (of) => tokenCosts(of, sizes, target, reportOf));
  }
  const look = {
    json: () => describePlan(plan, sizes, target),
    text: () => `${printPlan(plan, target)}\n${showTotals(plan, layoutOf(plan, target), sizes)}`,
  };
  return withToken(look, step, (of) => tokenCosts(of, sizes, target, undefined));
}

/** The same with what a token costs, if it is the plan of one. */
function withToken(look: Look, step: StepPlan | undefined, costsOf: (step: StepPlan) => TokenCosts): Look {
  if (step === undefined) return look;
  const costs = costsOf(step);
  return {
    json: () => ({ ...(look.json() as object), token: costs }),
    text: () => `${look.text()}${step.kept}${showToken(costs)}`,
  };
}

/** The plan of a model, of its training step, or of a token, with the sizes of the last. */
async function planAsked(
  source: Source,
  options: PlanOptions,
  out: Out,
  target: Target | undefined,
): Promise<{ readonly plan: Plan } | StepPlan> {
  const { ragged, recompute } = options;
  if (options.decode !== true && (ragged === true || recompute !== undefined))
    stop("E804", "--ragged and --recompute say how a text is read token by token", "give --decode too");
  if (options.train === true && options.decode === true)
    stop("E803", "--decode and --train exclude each other");
  if (options.train === true && options.quantize !== undefined)
    stop("E803", "--quantize and --train exclude each other");
  if (options.decode !== true && options.quantize !== undefined)
    return loadPackedPlan(source, options, out, target!);
  if (options.decode !== true) return loadPlan(source, options, out, { ...(target && { target }) });
  return loadStepPlan(source, options, out, target);
}

/** The plan of a model whose weights are kept in codes or halves. */
async function loadPackedPlan(
  source: Source,
  options: PlanOptions,
  out: Out,
  target: Target,
): Promise<{ readonly plan: Plan }> {
  const loaded = await loadModel(source, options, out, { target });
  const { graph } = packedGraph(loaded, options, target);
  return { plan: planGraph(graph, { target, notNeeded: loaded.model.notNeeded }) };
}

function showTotals(plan: Plan, layout: Layout, sizes: Sizes): string {
  const { flops, bytesMoved, arenaBytes, arenaBytesWithoutReuse, weightBytes, preparedBytes } = planTotals(
    plan,
    sizes,
    layout,
  );
  const dims = showDims(sizes);
  const scratch = largestOf(layout.scratch(plan.steps), sizes);
  const lines = [
    `${showScaled(flops)}FLOP and ${showBytes(bytesMoved)} read and written in a run${dims === "" ? "" : ` with ${dims}`}`,
    `${showBytes(weightBytes)} of weights, ${showBytes(preparedBytes)} prepared at load`,
    `${showBytes(arenaBytes)} of memory for a run, ${showBytes(arenaBytesWithoutReuse)} if no step used any again${scratch === 0 ? "" : `; ${showBytes(scratch)} of scratch`}`,
  ];
  return `${lines.join("\n")}\n`;
}
