import type { CheckpointTensor } from "../../checkpoint/match.ts";
import { quantizedInCheckpoint } from "../../checkpoint/match.ts";
import { compressedTensors, quantizationConfig, type StoredGroup } from "../../checkpoint/quantized/write.ts";
import { toFloat32, type StoredTensor } from "../../checkpoint/stored.ts";
import type { Graph } from "../../ir/graph.ts";
import { quantizeMatrix } from "../../quantize/blocks.ts";
import { chooseParameters, keptReasons, type Chosen } from "../../quantize/choose.ts";
import { isStack, publishedTensors } from "../../ir/stacks.ts";
import { dequantized, joinedRows, type QuantizedTensor } from "../../tensor/quantized.ts";
import { formOf } from "../../tensor/whole-codes.ts";
import { sizeOf } from "../../tensor/host.ts";
import { relativeError, type WeightError } from "../../run/compare/weights.ts";
import type { Weights } from "../../run/weights.ts";

/** A matrix that was quantized. */
export interface QuantizedLayer extends WeightError {
  readonly bits: 4 | 8;
}

export interface QuantizedCheckpoint {
  readonly stored: ReadonlyMap<string, StoredTensor>;
  /** The same to be run. */
  readonly weights: Weights;
  readonly config: object;
  readonly layers: readonly QuantizedLayer[];
  readonly kept: readonly { readonly name: string; readonly why: string }[];
  readonly parameters: number;
}

/** Why a file keeps what memory need not: compressed-tensors has no form for it. */
const fileReasons = {
  embedding:
    "compressed-tensors quantizes linears alone; --quantize packs tables, and heads that share one, as they are loaded",
  turned: "it lies [in, out], for which compressed-tensors has no form; --quantize packs it as it is loaded",
  name: "it is not called X.weight, as the weight of a linear of PyTorch is",
  experts:
    "it has all experts in one tensor, for which compressed-tensors has no form; --quantize packs it as it is loaded",
} as const;

const whyKept = (name: string, { role, isTransposed }: Chosen): string | undefined => {
  if (role === "embedding") return fileReasons.embedding;
  if (role === "experts" && !isStack(name)) return fileReasons.experts;
  if (isTransposed) return fileReasons.turned;
  return name.endsWith(".weight") ? undefined : fileReasons.name;
};

/** Quantizes the linears of a checkpoint: all in 8 bits, or in 4 with the head in 8. */
export function quantizedCheckpoint(
  graph: Graph,
  weights: Weights,
  to: "int8" | "int4",
): QuantizedCheckpoint {
  const choice = chooseParameters(graph);
  const stored = new Map<string, StoredTensor>();
  const tensors = new Map<string, CheckpointTensor>();
  const layers: QuantizedLayer[] = [];
  const kept: { name: string; why: string }[] = [];
  let parameters = 0;
  for (const [name, tensor] of weights.tensors) {
    parameters += sizeOf(tensor.shape);
    const chosen = choice.chosen.get(name);
    const why = chosen === undefined ? keptReasons[choice.kept.get(name)!] : whyKept(name, chosen);
    if (chosen === undefined || why !== undefined) {
      for (const [own, part] of publishedParts(name, tensor)) stored.set(own, part);
      tensors.set(name, tensor);
      kept.push({ name, why: why! });
      continue;
    }
    const bits = to === "int4" && chosen.role !== "head" ? 4 : 8;
    const made = publishedParts(name, tensor).map(([own, part]) => {
      const { tensor: codes, error } = quantizeLayer(part, bits);
      for (const [each, bytes] of compressedTensors(own, codes)) stored.set(each, bytes);
      layers.push({ name: own, bits, error });
      return codes;
    });
    const form = formOf(made[0]!);
    tensors.set(name, quantizedInCheckpoint(tensor.shape, { form, read: () => joinedRows(made) }));
  }
  const keptLayers = kept.filter(({ name }) => choice.chosen.has(name)).map(({ name }) => layerOf(name));
  return {
    stored,
    weights: { ...weights, tensors },
    config: quantizationConfig(groupsOf(layers), keptLayers),
    layers,
    kept,
    parameters,
  };
}

const layerOf = (name: string): string => name.replace(/\.weight$/, "");

function groupsOf(layers: readonly QuantizedLayer[]): readonly StoredGroup[] {
  const ofBits = (bits: 4 | 8): StoredGroup => ({
    bits,
    layers: layers.filter((layer) => layer.bits === bits).map(({ name }) => layerOf(name)),
  });
  return [ofBits(4), ofBits(8)].filter((group) => group.layers.length > 0);
}

/** A tensor as files have it: the parts of a stack, or itself. */
function publishedParts(
  name: string,
  tensor: CheckpointTensor,
): readonly (readonly [string, StoredTensor])[] {
  const { dtype, shape, bytes } = tensor.read();
  if (!isStack(name)) return [[name, { dtype, shape, bytes }]];
  const parts = publishedTensors(name, { shape, data: bytes });
  return parts.map(([own, part]) => [own, { dtype, shape: part.shape, bytes: part.data }]);
}

/** Codes of the checkpoint's own that are as small stay as they are. */
function quantizeLayer(
  tensor: StoredTensor,
  bits: 4 | 8,
): { readonly tensor: QuantizedTensor; readonly error: number } {
  const data = toFloat32(tensor);
  const made = quantizeMatrix({ shape: tensor.shape as [number, number], data }, bits);
  return { tensor: made, error: relativeError(dequantized(made), data) };
}
