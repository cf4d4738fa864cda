import { sizeOf } from "../../tensor/host.ts";
import { ROW_UNIT, type QuantizedForm, type QuantizedTensor } from "../../tensor/quantized.ts";
import { quantizedTensor } from "../../tensor/whole-codes.ts";
import { decodeF16 } from "../half.ts";

/** How the blocks of a type lie: what each element is made of, from the bytes of its block, which begin at `at`. */
export interface BlockLayout {
  readonly elements: number;
  readonly bytes: number;
  /** How codes lie where a model keeps them: in 4 bits from 0, or in 8 with a sign. */
  readonly bits: QuantizedForm["bits"];
  /** Elements that share a scale. */
  readonly group: QuantizedForm["block"];
  /** Whether codes of 8 bits are all of -64 to 63. */
  readonly isNarrow?: true;
  /** What a code is taken from, so that it is around 0; 0 where there are minimums. */
  readonly zero: number;
  /** Writes the codes of a block one after the other, from a place on. */
  readonly fill: (bytes: Uint8Array, at: number, into: Int8Array, place: number) => void;
  readonly scale: (bytes: Uint8Array, at: number, group: number) => number;
  /** What is added to scale · code; its product was rounded before. */
  readonly minimum?: (bytes: Uint8Array, at: number, group: number) => number;
}

/** All halves, by their bits: scales are read one by one. */
const halves = decodeF16(Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits));

/** The binary16 number at a place. */
export const halfAt = (bytes: Uint8Array, at: number): number => halves[bytes[at]! | (bytes[at + 1]! << 8)]!;

/**
 * Blocks to float32; `into` has as many elements as they hold. Bit for bit what `dequantize` of the Python package gguf gives:
 * each product is rounded to float32 before a minimum is added.
 */
export function decodeBlocks(layout: BlockLayout, bytes: Uint8Array, into: Float32Array): void {
  const { elements, group, zero, fill, scale, minimum } = layout;
  const codes = new Int8Array(elements);
  for (let block = 0, at = 0; block < into.length; block += elements, at += layout.bytes) {
    fill(bytes, at, codes, 0);
    for (let first = 0; first < elements; first += group) {
      const by = scale(bytes, at, first / group);
      // Adding -0 changes nothing, not even a -0.
      const low = minimum === undefined ? -0 : minimum(bytes, at, first / group);
      for (let index = first; index < first + group; index++)
        into[block + index] = Math.fround(by * (codes[index]! - zero)) + low;
    }
  }
}

/** The form in which a model keeps blocks of a layout. */
export const formOfLayout = ({ bits, group, minimum, isNarrow }: BlockLayout): QuantizedForm => ({
  bits,
  block: group,
  // Codes of 4 bits have no sign: what they are taken from is part of the minimum.
  hasMinimums: bits === 4 || minimum !== undefined,
  ...(isNarrow === true ? { isNarrow } : {}),
});

/** Whether rows of a tensor can be kept as codes: matrices whose rows are whole units. */
export const isPackable = (shape: readonly number[]): boolean =>
  shape.length >= 2 && shape.at(-1)! % ROW_UNIT === 0 && sizeOf(shape) > 0;

/** Blocks as codes with scales, which give the same elements but for the sign of a zero. */
export function packBlocks(
  layout: BlockLayout,
  shape: readonly number[],
  bytes: Uint8Array,
): QuantizedTensor {
  const { elements, bits, group, zero, fill, scale } = layout;
  const { hasMinimums } = formOfLayout(layout);
  const size = sizeOf(shape);
  const codes = new Int8Array((size * bits) / 8);
  const own = new Int8Array(elements);
  const scales = new Float32Array(size / group);
  const minimums = hasMinimums ? new Float32Array(scales.length) : undefined;
  for (let block = 0, at = 0; block < size; block += elements, at += layout.bytes) {
    for (let first = 0; first < elements; first += group) {
      const place = (block + first) / group;
      scales[place] = scale(bytes, at, first / group);
      if (minimums !== undefined)
        minimums[place] = layout.minimum?.(bytes, at, first / group) ?? -zero * scales[place];
    }
    if (bits === 8) {
      fill(bytes, at, codes, block);
      if (zero !== 0) for (let index = block; index < block + elements; index++) codes[index]! -= zero;
    } else {
      fill(bytes, at, own, 0);
      for (let index = 0; index < elements; index += 2)
        codes[(block + index) / 2] = own[index]! | (own[index + 1]! << 4);
    }
  }
  return quantizedTensor({
    shape,
    bits,
    block: group,
    codes: new Uint8Array(codes.buffer),
    scales,
    ...(minimums === undefined ? {} : { minimums }),
  });
}
