import { instruction, type I32, type Statement } from "./code.ts";

/** Sets so many bytes from an address on. */
export const fill = (address: I32, byte: I32, bytes: I32): Statement =>
  instruction("none", [address, byte, bytes], [0xfc, 0x0b, 0x00]);
