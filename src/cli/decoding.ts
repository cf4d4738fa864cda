import { Problem } from "../checkpoint/problem.ts";
import { decodingProgram, type Decoding } from "../incremental/program.ts";
import { Refusal } from "../incremental/refusal.ts";
import type { Target } from "../kernels/target.ts";
import { planProgram } from "../plan/build.ts";
import { planOfPart, type Plan } from "../plan/plan.ts";
import { errorAt, type Diagnostic } from "../support/diagnostic.ts";
import type { Source } from "../support/source.ts";
import { loadModel } from "./load.ts";
import type { Out } from "./out.ts";
import type { ModelOptions } from "./source.ts";
import { Stop } from "./stop.ts";

/** A model as a program that reads a text a few positions at a time; why it cannot be ends the command. */
export async function loadDecoding(
  source: Source,
  options: ModelOptions,
  out: Out,
  target?: Target,
): Promise<Decoding> {
  const made = target === undefined ? {} : { target };
  const { model } = await loadModel(source, options, out, made);
  const decoding = decodingProgram(model.graph, { fuse: options.fuse ?? true, verify: true, ...made });
  if (decoding instanceof Refusal) throw new Stop([whyNot(decoding)]);
  return decoding;
}

/** What runs for each new token, as a plan; its sizes where none are given: a text of 128 positions with it, for which there is memory. */
export async function loadStepPlan(
  source: Source,
  options: ModelOptions,
  out: Out,
  target?: Target,
): Promise<{ readonly plan: Plan; readonly sizes: ReadonlyMap<string, number> }> {
  const { program, dims, limit = Infinity } = await loadDecoding(source, options, out, target);
  const plan = planProgram(program, target === undefined ? {} : { target });
  const step = planOfPart(
    plan,
    plan.parts.find(({ name }) => name === "step")!,
  );
  const length = Math.min(128, limit);
  const declared = new Set(step.symbols.map(({ name }) => name));
  const sizes = [
    [dims.past, length - 1],
    [dims.capacity, length],
  ] as const;
  return { plan: step, sizes: new Map(sizes.filter(([name]) => declared.has(name))) };
}

/** Why a model has no such parts, at the line that is to blame. */
function whyNot({ node, span, sentence }: Refusal): Diagnostic {
  const message = "the model cannot be read a few positions at a time";
  if (node === undefined || span === undefined) return new Problem("E842", `${message}: ${sentence}`);
  const { label } = node.origin;
  return errorAt("E842", span, message, { label: `${label === "" ? node.op : `\`${label}\``}: ${sentence}` });
}
