import { listWords } from "../../support/text.ts";
import type { CheckpointTensor } from "../match.ts";
import { Problem, quote, showSizes } from "../problem.ts";
import { readFloat32 } from "../stored.ts";
import type { LoraConfig } from "./config.ts";

type Tensors = ReadonlyMap<string, CheckpointTensor>;

/** A and B of one weight. */
interface Pair {
  readonly a: CheckpointTensor;
  readonly b: CheckpointTensor;
}

/**
 * The tensors of a checkpoint with an adapter merged into them: W + s B A for each weight [N, K] that has A [r, K] and B [N, r],
 * its transpose where weights are stored [in, out]; s is alpha / r, or alpha / √r. Sums are made in f32 when a tensor is read.
 */
export function mergeLora(
  tensors: Tensors,
  adapter: Tensors,
  config: LoraConfig,
  name: string,
): Tensors | Problem {
  const pairs = pairsOf(adapter, name);
  if (pairs instanceof Problem) return pairs;
  const merged = new Map(tensors);
  for (const [module, pair] of pairs) {
    const target = targetOf(module, tensors);
    if (target === undefined)
      return new Problem(
        "E739",
        `${name} adapts ${quote(module)}, and the checkpoint has no such weight`,
        "is the adapter one of this model? its adapter_config.json names the model in `base_model_name_or_path`",
      );
    const result = mergedTensor(tensors.get(target)!, pair, config.scaleOf(module), config.fanInFanOut);
    if (result === undefined) return misfit(name, module, tensors.get(target)!, pair);
    merged.set(target, result);
  }
  return merged;
}

/** By the names of their modules; whatever else an adapter has is refused. */
function pairsOf(adapter: Tensors, name: string): ReadonlyMap<string, Pair> | Problem {
  const halves = new Map<string, Partial<Pair>>();
  const others: string[] = [];
  for (const [full, tensor] of adapter) {
    const [, module, half] =
      /^(?:base_model\.model\.)?(.+)\.lora_([AB])(?:\.default)?\.weight$/.exec(full) ?? [];
    if (module === undefined) others.push(full);
    else halves.set(module, { ...halves.get(module), [half === "A" ? "a" : "b"]: tensor });
  }
  const isWhole = (pair: Partial<Pair>): pair is Pair => pair.a !== undefined && pair.b !== undefined;
  const lone = [...halves].flatMap(([module, pair]) => (isWhole(pair) ? [] : [module]));
  const [first] = [...others, ...lone];
  if (first !== undefined)
    return new Problem(
      "E739",
      `${name}: ${quote(first)} is no pair of lora_A and lora_B${others.length > 1 ? `, as ${others.length - 1} more are none` : ""}`,
      "merge it with PEFT (`merge_and_unload`), and save what that gives",
    );
  if (halves.size === 0) return new Problem("E739", `${name} has no tensors of an adapter`);
  return halves as ReadonlyMap<string, Pair>;
}

/** The checkpoint's name of a module's weight: it may lack the parts with which the whole model's names begin, or have more. */
function targetOf(module: string, tensors: Tensors): string | undefined {
  const parts = module.split(".");
  for (let from = 0; from < parts.length; from++) {
    const name = `${parts.slice(from).join(".")}.weight`;
    if (tensors.has(name)) return name;
  }
  const longer = [...tensors.keys()].filter((stored) => stored.endsWith(`.${module}.weight`));
  return longer.length === 1 ? longer[0] : undefined;
}

/** Undefined if the shapes are not of one product. */
function mergedTensor(
  base: CheckpointTensor,
  { a, b }: Pair,
  scale: number,
  fanInFanOut: boolean,
): CheckpointTensor | undefined {
  const [rank, inputs] = a.shape as [number, number];
  const [outputs] = b.shape as [number];
  const wanted = fanInFanOut ? [inputs, outputs] : [outputs, inputs];
  const areMatrices = [base, a, b].every(({ shape }) => shape.length === 2) && b.shape[1] === rank;
  if (!areMatrices || !wanted.every((size, axis) => size === base.shape[axis])) return undefined;
  return {
    dtype: "f32",
    shape: base.shape,
    read: () => {
      const sums = Float64Array.from(readFloat32(base.read()));
      const [left, right] = [readFloat32(b.read()), readFloat32(a.read())];
      const [perOutput, perInput] = fanInFanOut ? [1, outputs] : [inputs, 1];
      for (let n = 0; n < outputs; n++)
        for (let r = 0; r < rank; r++) {
          const factor = scale * left[n * rank + r]!;
          for (let k = 0; k < inputs; k++)
            sums[n * perOutput + k * perInput]! += factor * right[r * inputs + k]!;
        }
      return { dtype: "f32", shape: base.shape, bytes: new Uint8Array(Float32Array.from(sums).buffer) };
    },
  };
}

const misfit = (name: string, module: string, base: CheckpointTensor, { a, b }: Pair): Problem =>
  new Problem(
    "E739",
    `${name}: ${quote(module)} has ${listWords([`A ${showSizes(a.shape)}`, `B ${showSizes(b.shape)}`])}, and the weight is ${showSizes(base.shape)}`,
    "is the adapter one of this model?",
  );
