import { sizeOf } from "../../tensor/host.ts";
import { ROW_UNIT, type QuantizedForm, type QuantizedTensor } from "../../tensor/quantized.ts";
import { quantizedTensor } from "../../tensor/whole-codes.ts";
import { decodeF16 } from "../half.ts";
import type { FillWords } from "./whole-words.ts";

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
  /** The same of many blocks as a model keeps them; block by block where it is left off. */
  readonly fillWords?: FillWords;
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

/** What blocks become where they are kept as codes. */
interface PackedArrays {
  readonly codes: Int8Array;
  readonly scales: Float32Array;
  readonly minimums: Float32Array | undefined;
}

/** Gives arrays for so many elements of a layout. */
export type MakeArrays = (layout: BlockLayout, size: number) => PackedArrays;

const arraysOf =
  (
    codes: (length: number) => Int8Array,
    scales: (length: number) => Float32Array,
    minimums: (length: number) => Float32Array,
  ): MakeArrays =>
  (layout, size) => {
    const { bits, group } = layout;
    const blocks = size / group;
    return {
      codes: codes((size * bits) / 8),
      scales: scales(blocks),
      minimums: formOfLayout(layout).hasMinimums ? minimums(blocks) : undefined,
    };
  };

const newBytes = (length: number): Int8Array => new Int8Array(length);
const newFloats = (length: number): Float32Array => new Float32Array(length);

const newArrays = arraysOf(newBytes, newFloats, newFloats);

/** Arrays that lie in the same memory each time: what was made in them before is gone. */
export const sharedArrays = (): MakeArrays => arraysOf(again(newBytes), again(newFloats), again(newFloats));

function again<T extends Int8Array | Float32Array>(make: (length: number) => T): (length: number) => T {
  let all = make(0);
  return (length) => {
    if (all.length < length) all = make(length);
    return all.subarray(0, length) as T;
  };
}

/** Blocks as codes with scales, which give the same elements but for the sign of a zero. */
export function packBlocks(
  layout: BlockLayout,
  shape: readonly number[],
  bytes: Uint8Array,
  arrays: MakeArrays = newArrays,
): QuantizedTensor {
  const { elements, bits, group, zero, scale } = layout;
  const size = sizeOf(shape);
  const { codes, scales, minimums } = arrays(layout, size);
  const groups = elements / group;
  for (let place = 0, at = 0; place < scales.length; at += layout.bytes)
    for (let own = 0; own < groups; own++, place++) {
      scales[place] = scale(bytes, at, own);
      if (minimums !== undefined)
        minimums[place] = layout.minimum?.(bytes, at, own) ?? -zero * scales[place]!;
    }
  if (layout.fillWords !== undefined && bytes.byteOffset % 2 === 0)
    layout.fillWords(
      new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2),
      new Int32Array(codes.buffer, codes.byteOffset, codes.length / 4),
    );
  else fillCodes(layout, bytes, codes);
  return quantizedTensor({
    shape,
    bits,
    block: group,
    codes: new Uint8Array(codes.buffer, codes.byteOffset, codes.length),
    scales,
    ...(minimums === undefined ? {} : { minimums }),
  });
}

/** Codes block by block. */
function fillCodes(
  { elements, bytes: width, bits, zero, fill }: BlockLayout,
  bytes: Uint8Array,
  codes: Int8Array,
): void {
  const own = new Int8Array(elements);
  const length = (elements * bits) / 8;
  for (let place = 0, at = 0; place < codes.length; place += length, at += width) {
    fill(bytes, at, own, 0);
    for (let index = 0; index < length; index++)
      codes[place + index] = bits === 8 ? own[index]! - zero : own[2 * index]! | (own[2 * index + 1]! << 4);
  }
}
