import { decodeF16 } from "../half.ts";

/**
 * Blocks of a quantized tensor to float32: `into` has as many elements as the blocks hold. Bit for bit what `dequantize` of
 * the Python package gguf gives: each product is rounded to float32 before a minimum is taken off.
 */
export type DecodeBlocks = (bytes: Uint8Array, into: Float32Array) => void;

/** All halves, by their bits: scales are read one by one. */
const halves = decodeF16(Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits));

/** The binary16 number at a place. */
export const halfAt = (bytes: Uint8Array, at: number): number => halves[bytes[at]! | (bytes[at + 1]! << 8)]!;
