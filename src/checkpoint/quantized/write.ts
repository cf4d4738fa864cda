import type { QuantizedTensor } from "../../tensor/quantized.ts";
import { invariant } from "../../support/invariant.ts";
import { toStored, type StoredTensor } from "../stored.ts";

/*
 * Quantized matrices as compressed-tensors stores them: 8 bits as `int-quantized`, 4 bits as
 * `pack-quantized` with zero points.
 */

const floats = (shape: readonly number[], data: Float32Array): StoredTensor => ({
  dtype: "f32",
  shape,
  bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
});

const words = (shape: readonly number[], data: Int32Array): StoredTensor => ({
  dtype: "i32",
  shape,
  bytes: new Uint8Array(data.buffer),
});

/** The tensors of one weight `X.weight`, by their names; of 4 or 8 bits. */
export function compressedTensors(
  name: string,
  tensor: QuantizedTensor,
): readonly (readonly [string, StoredTensor])[] {
  const { shape, bits, block, codes, scales } = tensor;
  const [rows, columns] = shape as [number, number];
  invariant(bits !== 5, `${name} has codes of 5 bits, which are not written`);
  const scale = [`${name}_scale`, floats([rows, columns / block], scales)] as const;
  if (bits === 8) return [[name, { dtype: "i8", shape, bytes: codes }], scale];
  return [
    [`${name}_packed`, words([rows, columns / 8], new Int32Array(codes.slice().buffer))],
    scale,
    [`${name}_zero_point`, zeroPoints(tensor)],
    [`${name}_shape`, toStored({ dtype: "i64", shape: [2], data: Int32Array.of(rows, columns) })],
  ];
}

/** -minimum / scale of each block: whole numbers, eight rows of a group in a word, the first lowest. */
function zeroPoints({ shape, block, scales, minimums }: QuantizedTensor): StoredTensor {
  const [rows, columns] = shape as [number, number];
  const groups = columns / block;
  const lines = Math.ceil(rows / 8);
  const packed = new Int32Array(lines * groups);
  scales.forEach((scale, at) => {
    const [row, group] = [Math.floor(at / groups), at % groups];
    const zero = scale === 0 ? 0 : Math.round(-minimums![at]! / scale);
    packed[Math.floor(row / 8) * groups + group]! |= zero << (4 * (row % 8));
  });
  return words([lines, groups], packed);
}

/** A group of layers of one form, as `quantization_config` names it. */
export interface StoredGroup {
  readonly bits: 4 | 8;
  /** Layers by their names. */
  readonly layers: readonly string[];
}

/** `quantization_config` of a config.json; `kept` are layers of its kinds that stay floats. */
export function quantizationConfig(groups: readonly StoredGroup[], kept: readonly string[]): object {
  const formatOf = (bits: number): string => (bits === 8 ? "int-quantized" : "pack-quantized");
  const formats = [...new Set(groups.map(({ bits }) => formatOf(bits)))];
  return {
    quant_method: "compressed-tensors",
    format: formats.length === 1 ? formats[0]! : "mixed-precision",
    quantization_status: "compressed",
    // transformers takes packed zero points only where it makes floats of all as it loads.
    ...(groups.some(({ bits }) => bits === 4) ? { dequantize: true } : {}),
    ignore: kept,
    config_groups: Object.fromEntries(
      groups.map(({ bits, layers }, index) => [
        `group_${index}`,
        {
          targets: layers,
          format: formatOf(bits),
          input_activations: null,
          output_activations: null,
          weights: {
            num_bits: bits,
            type: "int",
            symmetric: bits === 8,
            strategy: "group",
            group_size: 32,
            dynamic: false,
            ...(bits === 4 ? { zp_dtype: "torch.int8" } : {}),
          },
        },
      ]),
    ),
  };
}
