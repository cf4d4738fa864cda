import { listWords } from "../../support/text.ts";
import { isFloat } from "../../tensor/dtype.ts";
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

/** What an adapter has. */
export interface Adapter {
  /** By the names of the modules whose weights they change. */
  readonly pairs: ReadonlyMap<string, Pair>;
  /** Tensors that take the place of the model's, by the names that the model has for them. */
  readonly whole: Tensors;
}

/**
 * The tensors of a checkpoint with an adapter merged into them: W + s B A for each weight [N, K] that has A [r, K] and B [N, r],
 * its transpose where weights are stored [in, out]; s is alpha / r, or alpha / √r. Sums are made in f32 when a tensor is read. Modules
 * that were trained whole take the place of the checkpoint's, or stand beside its tensors where it has none.
 */
export function mergeLora(
  tensors: Tensors,
  { pairs, whole }: Adapter,
  config: LoraConfig,
  name: string,
): Tensors | Problem {
  const merged = new Map(tensors);
  for (const [module, pair] of pairs) {
    const target = targetOf(`${module}.weight`, tensors);
    if (target === undefined)
      return new Problem(
        "E739",
        `${name} adapts ${quote(module)}, and the checkpoint has no such weight`,
        "is the adapter one of this model? its adapter_config.json names the model in `base_model_name_or_path`",
      );
    const base = tensors.get(target)!;
    // Whole numbers whose scales are not there are refused by the model.
    if (!isFloat(base.dtype)) continue;
    const result = mergedTensor(base, pair, config.scaleOf(module), config.fanInFanOut);
    if (result === undefined) return misfit(name, module, base, pair);
    merged.set(target, result);
  }
  for (const [full, tensor] of whole) {
    const target = targetOf(full, tensors) ?? full;
    const [own, found] = [tensor.shape, tensors.get(target)?.shape ?? tensor.shape];
    if (own.join() !== found.join())
      return new Problem(
        "E739",
        `${name}: ${quote(full)} is ${showSizes(own)}, and the checkpoint's is ${showSizes(found)}`,
        "is the adapter one of this model?",
      );
    merged.set(target, tensor);
  }
  return merged;
}

/** What the tensors of an adapter are by their names; whatever is neither is refused. */
export function readAdapter(adapter: Tensors, { wholeModules }: LoraConfig, name: string): Adapter | Problem {
  const halves = new Map<string, Partial<Pair>>();
  const whole = new Map<string, CheckpointTensor>();
  const others: string[] = [];
  for (const [full, tensor] of adapter) {
    const own = full.replace(/^base_model\.model\./, "");
    const [, module, half] = /^(.+)\.lora_([AB])(?:\.default)?\.weight$/.exec(own) ?? [];
    if (module !== undefined)
      halves.set(module, { ...halves.get(module), [half === "A" ? "a" : "b"]: tensor });
    else if (isOf(own, wholeModules)) whole.set(own, tensor);
    else others.push(full);
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
  return { pairs: halves as ReadonlyMap<string, Pair>, whole };
}

/** Whether a tensor is one of a module whose name ends as one of some does. */
function isOf(tensor: string, modules: readonly string[]): boolean {
  const parts = tensor.split(".");
  return parts.some((_, end) =>
    modules.some((module) => `.${parts.slice(0, end).join(".")}`.endsWith(`.${module}`)),
  );
}

/** The checkpoint's name of a tensor: it may lack the parts with which the whole model's names begin, or have more. */
function targetOf(full: string, tensors: Tensors): string | undefined {
  const parts = full.split(".");
  for (let from = 0; from < parts.length - 1; from++) {
    const name = parts.slice(from).join(".");
    if (tensors.has(name)) return name;
  }
  const longer = [...tensors.keys()].filter((stored) => stored.endsWith(`.${full}`));
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
