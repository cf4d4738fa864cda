import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { DataSource } from "../../../src/train/data/source.ts";
import { RandomStream } from "../../../src/tensor/random.ts";

/** What is trained, and on what. */
export interface Workload {
  readonly model: "digits" | "lm";
  readonly about: string;
  readonly path: string;
  readonly settings: Readonly<Record<string, number>>;
  readonly data: readonly DataSource[];
}

const here = import.meta.dirname;
const examples = join(here, "../../../examples");

/** The seed's classifier on the digits that the examples bring. */
export function digits(): Workload {
  const source = (name: string, feeds: string): DataSource => ({
    name,
    bytes: readFileSync(join(examples, "data", name)),
    feeds,
  });
  return {
    model: "digits",
    about: "the classifier of digits: 784-256-256-10 with batch norm and a residual edge, Adam, batch 32",
    path: join(here, "digits.lmg"),
    settings: {},
    data: [source("digits-images.idx.gz", "image"), source("digits-labels.idx.gz", "label")],
  };
}

/** nanoGPT's small model on a text, or on characters at random: a step takes the same time. */
export function languageModel(text: string | undefined): Workload {
  const bytes = text === undefined ? randomText(65, 100_000) : readFileSync(text);
  const vocab = new Set(new TextDecoder().decode(bytes)).size;
  const settings = { vocab, ctx: 64, dim: 128, heads: 4, depth: 4 };
  return {
    model: "lm",
    about:
      "the language model: 4 layers, 4 heads, width 128, 12 windows of 64 characters " +
      `(${vocab} kinds), AdamW, clipped`,
    path: join(examples, "chars.lmg"),
    settings,
    data: [{ name: text ?? "random.txt", bytes }],
  };
}

/** Printable characters, all of `kinds`; the first are the most frequent. */
function randomText(kinds: number, length: number): Uint8Array {
  const random = new RandomStream(7, "text");
  return Uint8Array.from({ length }, () => 32 + Math.floor(random.uniform() ** 2 * kinds));
}
