import { showBytes } from "../support/text.ts";
import { Problem, quotePath } from "./problem.ts";

/** What unpacks to less than this is let through however small it is packed, in bytes. */
const ALWAYS_UNPACKED = 64_000_000;

/** Texts pack to a third and images to a fifth of their size; only what is made for it, or empty, packs so far. */
const MOST_RATIO = 64;

/** The most that a packed file may unpack to, in bytes: 1 MB can hold 1 GB of zeros. At most what an array can have. */
export const unpackedLimit = (packed: number): number =>
  Math.min(Math.max(ALWAYS_UNPACKED, MOST_RATIO * packed), 2 ** 32 - 1);

/** Bytes for what a file is said to hold, or that there is no memory for it. */
export function allocate(bytes: number, name: string): Uint8Array | Problem {
  try {
    return new Uint8Array(bytes);
  } catch {
    return new Problem("E700", `cannot read ${quotePath(name)}: there is no memory for ${showBytes(bytes)}`);
  }
}
