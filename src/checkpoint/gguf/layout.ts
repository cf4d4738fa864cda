import { sizeOf } from "../../tensor/host.ts";
import {
  fifthBit,
  FIVE_BYTES,
  ROW_UNIT,
  type Beside,
  type QuantizedForm,
  type QuantizedTensor,
} from "../../tensor/quantized.ts";
import { quantizedTensor } from "../../tensor/whole-codes.ts";
import { decodeF16 } from "../half.ts";
import type { FillWords } from "./whole-words.ts";

/** How the blocks of a type lie: what each element is made of, from the bytes of its block, which begin at `at`. */
export interface BlockLayout {
  readonly elements: number;
  readonly bytes: number;
  /** How codes lie where a model keeps them: in 4 or 5 bits from 0, or in 8 with a sign. */
  readonly bits: QuantizedForm["bits"];
  /** Elements that share a scale. */
  readonly group: QuantizedForm["block"];
  /** Whether codes of 8 bits are all of -64 to 63. */
  readonly isNarrow?: true;
  /** What beside the codes the file has as binary16 numbers, one for each group. */
  readonly halves?: NonNullable<QuantizedForm["halves"]>;
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
export const formOfLayout = ({ bits, group, minimum, isNarrow, halves }: BlockLayout): QuantizedForm => ({
  bits,
  block: group,
  // Codes of 4 bits have no sign: what they are taken from is part of the minimum.
  hasMinimums: bits === 4 || minimum !== undefined,
  ...(isNarrow === true ? { isNarrow } : {}),
  ...(halves === undefined ? {} : { halves }),
});

/** Whether rows of a tensor can be kept as codes: matrices whose rows are whole units. */
export const isPackable = (shape: readonly number[]): boolean =>
  shape.length >= 2 && shape.at(-1)! % ROW_UNIT === 0 && sizeOf(shape) > 0;

/** Gives arrays for what so many elements of a layout become where they are kept as codes. */
export interface Arrays {
  readonly codes: (layout: BlockLayout, size: number) => Int8Array;
  readonly beside: (layout: BlockLayout, size: number) => Beside;
}

type MakeFloats = (length: number) => Float32Array;

const arraysOf = (
  codes: (length: number) => Int8Array,
  scales: MakeFloats,
  minimums: MakeFloats,
): Arrays => ({
  codes: ({ bits }, size) => codes((size * bits) / 8),
  beside: (layout, size) => ({
    scales: scales(size / layout.group),
    minimums: formOfLayout(layout).hasMinimums ? minimums(size / layout.group) : undefined,
  }),
});

const newBytes = (length: number): Int8Array => new Int8Array(length);
const newFloats = (length: number): Float32Array => new Float32Array(length);

const newArrays = arraysOf(newBytes, newFloats, newFloats);

/** Arrays that lie in the same memory each time: what was made in them before is gone. */
export const sharedArrays = (): Arrays => arraysOf(again(newBytes), again(newFloats), again(newFloats));

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
  arrays: Arrays = newArrays,
): QuantizedTensor {
  const { bits, group } = layout;
  const size = sizeOf(shape);
  const codes = arrays.codes(layout, size);
  const { scales, minimums } = arrays.beside(layout, size);
  fillBeside(layout, bytes, { scales, minimums });
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

/** Elements whose bytes are read at a time for what stands beside their codes. */
const BESIDE_PART = 2 ** 20;

/** What stands beside the codes of so many elements; `read` gives the bytes of the blocks from one element up to another. */
export function packedBeside(
  layout: BlockLayout,
  size: number,
  read: (from: number, to: number) => Uint8Array,
  { beside }: Pick<Arrays, "beside">,
): Beside {
  const all = beside(layout, size);
  for (let from = 0; from < size; from += BESIDE_PART) {
    const to = Math.min(size, from + BESIDE_PART);
    const between = (values: Float32Array): Float32Array =>
      values.subarray(from / layout.group, to / layout.group);
    fillBeside(layout, read(from, to), {
      scales: between(all.scales),
      minimums: all.minimums && between(all.minimums),
    });
  }
  return all;
}

function fillBeside(layout: BlockLayout, bytes: Uint8Array, { scales, minimums }: Beside): void {
  const { elements, group, zero, scale } = layout;
  const groups = elements / group;
  for (let place = 0, at = 0; place < scales.length; at += layout.bytes)
    for (let own = 0; own < groups; own++, place++) {
      scales[place] = scale(bytes, at, own);
      if (minimums !== undefined)
        minimums[place] = layout.minimum?.(bytes, at, own) ?? -zero * scales[place]!;
    }
}

/** Codes block by block. */
function fillCodes(
  { elements, bytes: width, bits, zero, fill }: BlockLayout,
  bytes: Uint8Array,
  codes: Int8Array,
): void {
  const own = new Int8Array(elements);
  const length = (elements * bits) / 8;
  const whole = new Uint8Array(codes.buffer, codes.byteOffset, codes.length);
  if (bits === 5) codes.fill(0);
  for (let place = 0, at = 0; place < codes.length; place += length, at += width) {
    fill(bytes, at, own, 0);
    if (bits === 5) own.forEach((code, index) => putFive(whole, (place / length) * elements + index, code));
    else
      for (let index = 0; index < length; index++)
        codes[place + index] = bits === 8 ? own[index]! - zero : own[2 * index]! | (own[2 * index + 1]! << 4);
  }
}

/** Puts a code of 5 bits into bytes that were zeros there. */
function putFive(codes: Uint8Array, index: number, code: number): void {
  const [start, within] = [Math.floor(index / ROW_UNIT) * FIVE_BYTES, index % ROW_UNIT];
  const place = fifthBit(within);
  codes[start + (within >> 1)]! |= (code & 15) << (4 * (within & 1));
  codes[start + ROW_UNIT / 2 + (place >> 3)]! |= (code >> 4) << (place & 7);
}
