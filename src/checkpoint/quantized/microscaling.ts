import { ROW_UNIT, type QuantizedForm, type QuantizedTensor } from "../../tensor/quantized.ts";
import { quantizedTensor } from "../../tensor/whole-codes.ts";
import { stackedRows } from "../../weights/packed.ts";
import type { CheckpointTensor } from "../match.ts";
import { partsOf } from "../parts.ts";
import { Problem, showSizes } from "../problem.ts";
import type { Parts, Published } from "./grid.ts";

/*
 * MXFP4 (OCP Microscaling Formats): numbers of 4 bits, E2M1, of which 32 share a power of two, E8M0. Two numbers are a byte, the
 * first in its lower half. gpt-oss has X_blocks [E, N, K / 32, 16] with X_scales [E, N, K / 32], and reads the experts as [E, K, N];
 * compressed-tensors (`mxfp4-pack-quantized`) X.weight_packed [N, K / 2] with X.weight_scale [N, K / 32].
 */

/** Twice the numbers of E2M1, which halved scales make right: whole numbers. */
const e2m1 = Float32Array.of(0, 1, 2, 3, 4, 6, 8, 12, -0, -1, -2, -3, -4, -6, -8, -12);

/** Half of what the bits of an E8M0 number stand for; all bits set is NaN. */
const halfScale = (bits: number): number => (bits === 255 ? NaN : 2 ** (bits - 128));

const isBytes = (tensor: CheckpointTensor | undefined): tensor is CheckpointTensor => tensor?.dtype === "u8";

const incomplete = (name: string, shape: readonly number[], scales: readonly number[] | undefined): Problem =>
  new Problem(
    "E725",
    `${name}, ${showSizes(shape)}, ${scales === undefined ? "has no scales" : `has scales ${showSizes(scales)}`}: MXFP4 has one for each ${ROW_UNIT} numbers, in 8 bits`,
    "was the checkpoint written whole?",
  );

const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((size, axis) => size === b[axis]);

/** Twice the numbers of E2M1 are codes of 8 bits. */
const form: QuantizedForm = { bits: 8, block: ROW_UNIT, hasMinimums: false, isNarrow: true };

/** X_blocks with X_scales: the experts of gpt-oss, [E, K, N], whose codes are those of [E, N, K]. */
export function expertBlocks(parts: Parts, name: string): Published | Problem | undefined {
  const [blocks, scales] = [parts.get("_blocks"), parts.get("_scales")];
  if (!isBytes(blocks)) return undefined;
  const [experts, rows, groups, bytes] = blocks.shape as [number, number, number, number];
  if (
    blocks.shape.length !== 4 ||
    bytes !== ROW_UNIT / 2 ||
    !isBytes(scales) ||
    !sameShape(scales.shape, blocks.shape.slice(0, 3))
  )
    return incomplete(name, blocks.shape, scales?.shape);
  const columns = groups * ROW_UNIT;
  const shape = [experts, columns, rows];
  const expert = expertReader(blocks, scales);
  const readPart = (first: number, end: number) => {
    const values = new Float32Array(end - first);
    for (let at = 0; at < values.length; at++) {
      const place = (first + at) % (rows * columns);
      const { codes, powers } = expert(Math.floor((first + at) / (rows * columns)));
      const [column, row] = [Math.floor(place / rows), place % rows];
      const index = row * columns + column;
      values[at] = e2m1[(codes[index >> 1]! >> (4 * (index & 1))) & 15]! * halfScale(powers[index >> 5]!);
    }
    return { dtype: "f32" as const, shape: [end - first], bytes: new Uint8Array(values.buffer) };
  };
  const read = () => ({ ...readPart(0, experts * rows * columns), shape });
  const decoded: CheckpointTensor = { dtype: "f32", shape, read, readPart };
  const readRows = (first: number, end: number) =>
    // Nothing here comes later.
    stackedRows((at) => (from, to) => rowsOf(expert(at), columns, from, to), rows)(
      first,
      end,
    ) as QuantizedTensor;
  const quantized = { form, isTransposed: true, read: () => readRows(0, experts * rows), readRows };
  return { decoded: { ...decoded, quantized } };
}

/** Rows of an expert as codes of twice their numbers. */
function rowsOf(
  { codes, powers }: { readonly codes: Uint8Array; readonly powers: Uint8Array },
  columns: number,
  first: number,
  end: number,
): QuantizedTensor {
  const numbers = new Uint8Array((end - first) * columns);
  for (let at = 0; at < numbers.length; at++) {
    const index = first * columns + at;
    numbers[at] = e2m1[(codes[index >> 1]! >> (4 * (index & 1))) & 15]!;
  }
  const groups = columns / ROW_UNIT;
  const scales = Float32Array.from(powers.subarray(first * groups, end * groups), halfScale);
  return quantizedTensor({ shape: [end - first, columns], bits: 8, block: ROW_UNIT, codes: numbers, scales });
}

/** The codes and scales of one expert; those of the last one that was asked for are at hand. */
function expertReader(blocks: CheckpointTensor, scales: CheckpointTensor) {
  const [codesOf, powersOf] = [partsOf(blocks), partsOf(scales)];
  const [, rows, groups] = scales.shape as [number, number, number];
  const count = rows * groups;
  let last: { readonly at: number; readonly codes: Uint8Array; readonly powers: Uint8Array } | undefined;
  return (at: number) => {
    if (last?.at === at) return last;
    // Both may lie in one file, whose reads take each other's place.
    const powers = new Uint8Array(powersOf(at * count, (at + 1) * count).bytes);
    const codes = new Uint8Array(codesOf(16 * at * count, 16 * (at + 1) * count).bytes);
    return (last = { at, codes, powers });
  };
}

/** X.weight_packed of bytes with X.weight_scale of bytes. */
export function packedBlocks(parts: Parts, name: string): Published | Problem | undefined {
  const [packed, scales] = [parts.get("weight_packed"), parts.get("weight_scale")];
  if (!isBytes(packed)) return undefined;
  const [rows, width] = packed.shape as [number, number];
  const columns = 2 * width;
  if (
    packed.shape.length !== 2 ||
    columns % ROW_UNIT !== 0 ||
    !isBytes(scales) ||
    !sameShape(scales.shape, [rows, columns / ROW_UNIT])
  )
    return incomplete(name, packed.shape, scales?.shape);
  const [codesOf, powersOf] = [partsOf(packed), partsOf(scales)];
  const groups = columns / ROW_UNIT;
  const readRows = (first: number, end: number) => {
    // Both may lie in one file, whose reads take each other's place.
    const powers = new Uint8Array(powersOf(first * groups, end * groups).bytes);
    const codes = codesOf(first * width, end * width).bytes;
    return rowsOf({ codes, powers }, columns, 0, end - first);
  };
  return { shape: [rows, columns], quantized: { form, read: () => readRows(0, rows), readRows } };
}
