import { quantizedInCheckpoint, type CheckpointTensor } from "../match.ts";
import { Problem, quote, showSizes } from "../problem.ts";
import { packedIntegers, plainIntegers } from "./compressed-tensors.ts";
import { columnWords } from "./column-words.ts";
import { floatCodes } from "./float-codes.ts";
import { expertBlocks, packedBlocks } from "./microscaling.ts";
import type { Parts, Published } from "./grid.ts";

/** A way in which libraries store a quantized weight: as several tensors whose names begin alike. */
interface Layout {
  /** How the name of its codes ends: behind a dot, or as it is if it begins with a line. */
  readonly ending: string;
  /** What stands beside the codes: names that begin as theirs. */
  readonly beside: readonly string[];
  readonly read: (parts: Parts, name: string) => Published | Problem | undefined;
}

const layouts: readonly Layout[] = [
  {
    ending: "weight_packed",
    beside: ["weight_scale", "weight_zero_point", "weight_shape", "weight_g_idx"],
    read: (parts, name) => packedBlocks(parts, name) ?? packedIntegers(parts, name),
  },
  {
    ending: "weight",
    beside: ["weight_scale", "weight_zero_point", "weight_scale_inv"],
    read: (parts, name) =>
      floatCodes(parts, name) ?? plainIntegers(parts, name) ?? packedTernary(parts, name),
  },
  { ending: "_blocks", beside: ["_scales"], read: expertBlocks },
  { ending: "qweight", beside: ["qzeros", "scales", "g_idx"], read: columnWords },
];

/**
 * X.weight U8 [N / 4, K] with one X.weight_scale: -1, 0 and 1, four in a byte, as transformers' BitNet has them. Its products are made
 * with activations that are rounded to 8 bits, as those of training were.
 */
function packedTernary(parts: Parts, name: string): Problem | undefined {
  const [weight, scale] = [parts.get("weight"), parts.get("weight_scale")];
  if (weight?.dtype !== "u8" || weight.scaled !== undefined || scale?.shape.join() !== "1") return undefined;
  return new Problem(
    "E725",
    `${name}, u8${showSizes(weight.shape)} with one scale, is ternary, four numbers in a byte (BitNet): lmg does not read this`,
    "convert the checkpoint to f32, f16 or bf16, each weight times its scale",
  );
}

/** What is refused by its name, and the way forward. */
const refused: readonly { readonly ending: RegExp; readonly what: string }[] = [
  { ending: /\.(quant_state\.bitsandbytes__\w+|absmax|quant_map|nested_absmax|SCB)$/, what: "bitsandbytes" },
  { ending: /\.(input_scale|input_zero_point|output_scale)$/, what: "activations with stored scales" },
  { ending: /\.(weight_global_scale|weight_scale_2)$/, what: "NVFP4" },
];

/**
 * The tensors of a checkpoint with one in the place of the codes, scales and zero points of each quantized weight, under the name that the
 * weight has in a model.
 */
export function joinPublished(
  tensors: ReadonlyMap<string, CheckpointTensor>,
  checkpoint: string,
): ReadonlyMap<string, CheckpointTensor> | Problem {
  const joined = new Map(tensors);
  for (const name of tensors.keys()) {
    const odd = refused.find(({ ending }) => ending.test(name));
    if (odd !== undefined)
      return new Problem(
        "E725",
        `${checkpoint}: ${quote(name)} belongs to weights quantized in a way that lmg does not read: ${odd.what}`,
        "convert the checkpoint to f32, f16 or bf16, and let `lmg quantize` or `--quantize` make codes of it",
      );
    for (const layout of layouts) {
      const problem = joinOne(tensors, joined, name, layout, checkpoint);
      if (problem !== undefined) return problem;
    }
  }
  return joined;
}

function joinOne(
  tensors: ReadonlyMap<string, CheckpointTensor>,
  joined: Map<string, CheckpointTensor>,
  name: string,
  { ending, beside, read }: Layout,
  checkpoint: string,
): Problem | undefined {
  const isGlued = ending.startsWith("_");
  if (!name.endsWith(isGlued ? ending : `.${ending}`) && name !== ending) return undefined;
  const start = name.slice(0, -ending.length);
  const parts = new Map(
    [ending, ...beside].flatMap((part) => {
      const tensor = tensors.get(start + part);
      return tensor === undefined ? [] : [[part, tensor] as const];
    }),
  );
  const found = read(parts, `${checkpoint}: ${quote(name)}`);
  if (found === undefined || found instanceof Problem) return found;
  for (const part of parts.keys()) joined.delete(start + part);
  const tensor = "decoded" in found ? found.decoded : quantizedInCheckpoint(found.shape, found.quantized);
  joined.set(isGlued ? start : `${start}weight`, tensor);
  return undefined;
}
