import { showBytes } from "../support/text.ts";
import { Problem, quotePath } from "./problem.ts";

/** What a file is read as, and the bytes beyond which it is refused unread. */
export interface FileLimit {
  /** Stands after the size in the message: `a model file has at most 2.00 MB`. */
  readonly what: string;
  readonly bytes: number;
}

const MB = 1_000_000;

/**
 * The most that each kind of file may have, in bytes: several times the largest that is published, and little enough
 * that reading one cannot take all memory. Tensors of a checkpoint are read one by one, and have no limit here.
 */
export const fileLimits = {
  /** A text of 256 KB takes up to four bytes a character; the language has the last word. */
  model: { what: "a model file", bytes: 2 * MB },
  /** config.json and the small ones beside it; 21,000 names of classes take 1 MB. */
  json: { what: "such a JSON file", bytes: 16 * MB },
  /** tokenizer.json; those of 262,144 tokens take 33 MB. */
  tokenizer: { what: "a tokenizer.json", bytes: 128 * MB },
  /** model.safetensors.index.json; 91,991 tensors in 163 files take 9 MB. */
  index: { what: "an index of shards", bytes: 64 * MB },
  /** A text becomes one JavaScript string, which has less than 2²⁹ characters. */
  text: { what: "a text that is read whole", bytes: 2 ** 29 - 25 },
  /** Arrays for inputs and for training, and the checkpoint of a run: read whole. */
  whole: { what: "a file that is read whole", bytes: 2 ** 32 - 1 },
} as const satisfies Readonly<Record<string, FileLimit>>;

export const tooLarge = (path: string, size: number, { what, bytes }: FileLimit): Problem =>
  new Problem(
    "E700",
    `cannot read ${quotePath(path)}: it has ${showBytes(size)}; ${what} has at most ${showBytes(bytes)}`,
  );

/** What is packed small and unpacks to less than this is let through, whatever it is; in bytes. */
const ALWAYS_UNPACKED = 64 * MB;

/** Texts pack to a third and images to a fifth of their size; only what is made for it, or empty, packs so far. */
const MOST_RATIO = 64;

/** The most that a packed file may unpack to, in bytes: a file of 1 MB can hold 1 GB of zeros. */
export const unpackedLimit = (packed: number): number => Math.max(ALWAYS_UNPACKED, MOST_RATIO * packed);

/** Bytes for what a file is said to hold, or that there is no memory for it. */
export function allocate(bytes: number, name: string): Uint8Array | Problem {
  try {
    return new Uint8Array(bytes);
  } catch {
    return new Problem("E700", `cannot read ${quotePath(name)}: there is no memory for ${showBytes(bytes)}`);
  }
}
