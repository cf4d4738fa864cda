import { isFloat } from "../../tensor/dtype.ts";
import type { CheckpointTensor } from "../match.ts";
import { partsOf } from "../parts.ts";
import { Problem, showSizes } from "../problem.ts";
import { floatsOf, type Parts, type Published } from "./grid.ts";

/*
 * Weights in E4M3 with scales: X.weight F8_E4M3 with X.weight_scale, one in all, a row or a block (compressed-tensors,
 * `float-quantized`), or with X.weight_scale_inv, one a block of 128 × 128 (DeepSeek; transformers' fine-grained fp8). Both
 * multiply; the name of the second says what it was made as.
 */

/** All numbers of E4M3 by their bits: no infinities, one NaN (OCP 8-bit Floating Point Specification, 5.2). */
const e4m3 = Float32Array.from({ length: 256 }, (_, bits) => {
  const [exponent, fraction] = [(bits >> 3) & 15, bits & 7];
  const sign = bits < 128 ? 1 : -1;
  if (exponent === 15 && fraction === 7) return NaN;
  return exponent === 0 ? (sign * fraction) / 512 : sign * (1 + fraction / 8) * 2 ** (exponent - 7);
});

/** Rows and columns of a block of DeepSeek's, of which the last may be smaller. */
const BLOCK = 128;

/** How many rows, or columns, share a scale. */
function blockOf(size: number, scales: number, isBlocked: boolean): number | undefined {
  if (isBlocked) return BLOCK;
  return size % scales === 0 ? size / scales : undefined;
}

export function floatCodes(parts: Parts, name: string): Published | Problem | undefined {
  const weight = parts.get("weight");
  if (weight?.scaled !== "F8_E4M3") return undefined;
  const scale = parts.get("weight_scale") ?? parts.get("weight_scale_inv");
  // Without scales it is none of these: the model refuses it.
  const isScale =
    scale !== undefined && (isFloat(scale.dtype) || (scale.dtype === "u8" && scale.scaled !== "F8_E4M3"));
  if (!isScale || weight.shape.length !== 2) return undefined;
  const [rows, columns] = weight.shape as [number, number];
  const [down, across] = gridOf(scale.shape, rows);
  const isBlocked = Math.ceil(rows / BLOCK) === down && Math.ceil(columns / BLOCK) === across;
  const [height, width] = [blockOf(rows, down, isBlocked), blockOf(columns, across, isBlocked)];
  if (height === undefined || width === undefined)
    return new Problem(
      "E725",
      `${name}, ${showSizes(weight.shape)}, has scales ${showSizes(scale.shape)}: neither one, nor one a row, nor one a block of ${BLOCK} × ${BLOCK}`,
      "was the checkpoint written whole?",
    );
  return { decoded: decodedBy(weight, scale, { columns, across, height, width }) };
}

/** Scales along rows and columns; [N] is one a row. */
function gridOf(shape: readonly number[], rows: number): readonly [number, number] {
  const [down = 1, across = 1] = shape;
  return shape.length === 1 && down !== rows ? [1, down] : [down, across];
}

/** Scales as floats; those of 8 bits are powers of two, E8M0 (OCP Microscaling Formats), of which all bits set is NaN. */
const scalesOf = (scale: CheckpointTensor): Float32Array =>
  scale.dtype === "u8"
    ? Float32Array.from(scale.read().bytes, (bits) => (bits === 255 ? NaN : 2 ** (bits - 127)))
    : floatsOf(scale);

interface Blocks {
  readonly columns: number;
  /** Scales of a row of blocks. */
  readonly across: number;
  readonly height: number;
  readonly width: number;
}

function decodedBy(
  weight: CheckpointTensor,
  scale: CheckpointTensor,
  { columns, across, height, width }: Blocks,
): CheckpointTensor {
  const { shape } = weight;
  const codesOf = partsOf(weight);
  let scales: Float32Array | undefined;
  const readPart = (first: number, end: number) => {
    scales ??= scalesOf(scale);
    const { bytes } = codesOf(first, end);
    const values = new Float32Array(end - first);
    for (let at = 0; at < values.length; at++) {
      const [row, column] = [Math.floor((first + at) / columns), (first + at) % columns];
      values[at] =
        e4m3[bytes[at]!]! * scales[Math.floor(row / height) * across + Math.floor(column / width)]!;
    }
    return { dtype: "f32" as const, shape: [end - first], bytes: new Uint8Array(values.buffer) };
  };
  return { dtype: "f32", shape, read: () => ({ ...readPart(0, shape[0]! * columns), shape }), readPart };
}
