import { decodeF16 } from "../half.ts";

/** All halves, by their bits: scales are read one by one. */
const halves = decodeF16(Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits));

/** The binary16 number at a place. */
export const halfAt = (bytes: Uint8Array, at: number): number => halves[bytes[at]! | (bytes[at + 1]! << 8)]!;
