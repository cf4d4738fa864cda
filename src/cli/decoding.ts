import { Problem } from "../checkpoint/problem.ts";
import { keptBytes } from "../incremental/kept-bytes.ts";
import { decodingProgram, type Decoding, type DecodingOptions } from "../incremental/program.ts";
import { Refusal } from "../incremental/refusal.ts";
import type { Target } from "../kernels/target.ts";
import { planProgram } from "../plan/build.ts";
import { planOfPart, type Plan } from "../plan/plan.ts";
import { errorAt, type Diagnostic } from "../support/diagnostic.ts";
import type { Source } from "../support/source.ts";
import { parseNumber } from "./arguments.ts";
import type { OptionSpec } from "./command.ts";
import type { LoweredModel } from "../lower/lower.ts";
import { outputOf } from "../run/model.ts";
import { pickingParts } from "../run/sessions.ts";
import { packedGraph } from "./compile/packed.ts";
import { loadModel } from "./load.ts";
import { showBytes, showScaled } from "./numbers.ts";
import type { Out } from "./out.ts";
import type { QuantizeOptions } from "./run/quantized.ts";
import type { ModelOptions } from "./source.ts";
import { orStop, Stop } from "./stop.ts";

/** How a model is to be read a few positions at a time. */
export interface DecodingChoice {
  readonly ragged?: true;
  readonly recompute?: string;
}

export const decodingOptions: readonly OptionSpec[] = [
  {
    flags: "--ragged",
    description: "texts of a batch may have different lengths: they begin behind padding",
  },
  {
    flags: "--recompute <operations>",
    description:
      "how many a step may do for each byte of a past position that is not kept, as keys and values of a latent; 0 if not given",
  },
];

/** The same for the derivation. */
export const derivationOf = ({ ragged, recompute = "0" }: DecodingChoice): DecodingOptions => ({
  ragged: ragged === true,
  recompute: orStop(parseNumber("--recompute", recompute, 0, 1e9)),
});

/** A model as a program that reads a text a few positions at a time; why it cannot be ends the command. */
export async function loadDecoding(
  source: Source,
  options: ModelOptions & DecodingChoice,
  out: Out,
  target?: Target,
): Promise<Decoding> {
  return (await load(source, options, out, target)).decoding;
}

async function load(
  source: Source,
  options: ModelOptions & DecodingChoice & QuantizeOptions,
  out: Out,
  target: Target | undefined,
): Promise<{ readonly decoding: Decoding; readonly model: LoweredModel }> {
  const made = target === undefined ? {} : { target };
  const loaded = await loadModel(source, options, out, made);
  const { model } = loaded;
  const packed = target && { packing: packedGraph(loaded, options, target).packing };
  const chosen = { fuse: options.fuse ?? true, verify: true, ...made, ...packed, ...derivationOf(options) };
  const decoding = decodingProgram(model.graph, chosen);
  if (decoding instanceof Refusal) throw new Stop([whyNot(decoding)]);
  return { decoding, model };
}

/** What runs for each new token, and what is known of it. */
export interface StepPlan {
  readonly plan: Plan;
  /** Those of a text of 128 positions with it, for which there is memory. */
  readonly sizes: ReadonlyMap<string, number>;
  readonly decoding: Decoding;
  /** What a text keeps, and what that spares: a line. */
  readonly kept: string;
  /** What tells of logits where they lie, on a device. */
  readonly picks: { readonly size: number; readonly best: Plan; readonly top: Plan } | undefined;
}

/** What runs for each new token, as a plan; weights are kept in codes or halves for a target alone. */
export async function loadStepPlan(
  source: Source,
  options: ModelOptions & DecodingChoice & QuantizeOptions,
  out: Out,
  target?: Target,
): Promise<StepPlan> {
  const { decoding, model } = await load(source, options, out, target);
  const { program, dims, limit = Infinity } = decoding;
  const picks = target && pickingParts(decoding, target, outputOf({ graph: model.graph }));
  const parts = { ...program.parts, ...picks?.parts };
  const plan = planProgram({ ...program, parts }, target === undefined ? {} : { target });
  const partOf = (part: string): Plan =>
    planOfPart(
      plan,
      plan.parts.find(({ name }) => name === part)!,
    );
  const step = partOf("step");
  const length = Math.min(128, limit);
  const declared = new Set(step.symbols.map(({ name }) => name));
  const sizes = [
    [dims.past, length - 1],
    [dims.capacity, length],
  ] as const;
  return {
    plan: step,
    sizes: new Map(sizes.filter(([name]) => declared.has(name))),
    decoding,
    kept: showKept(decoding),
    picks: picks && { size: picks.size, best: partOf("best"), top: partOf("top") },
  };
}

/** What a text keeps, and what that spares: a line. */
function showKept(decoding: Decoding): string {
  const { position, text } = keptBytes(decoding);
  const again =
    decoding.recomputed === 0
      ? ""
      : `, the rest is made again by ${showScaled(decoding.recomputed)}FLOP for each in a step`;
  return `${showBytes(position)} are kept of each position${again}; ${showBytes(text)} however long a text is\n`;
}

/** Why a model has no such parts, at the line that is to blame. */
function whyNot({ node, span, sentence }: Refusal): Diagnostic {
  const message = "the model cannot be read a few positions at a time";
  if (node === undefined || span === undefined) return new Problem("E842", `${message}: ${sentence}`);
  const { label } = node.origin;
  return errorAt("E842", span, message, { label: `${label === "" ? node.op : `\`${label}\``}: ${sentence}` });
}
