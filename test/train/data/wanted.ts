import { expectValue } from "../../checkpoint/fixtures.ts";
import { parse } from "../../../src/language/parse.ts";
import { lower } from "../../../src/lower/lower.ts";
import type { Problem } from "../../../src/checkpoint/problem.ts";
import type { Batches } from "../../../src/train/data/batches.ts";
import { openData } from "../../../src/train/data/open.ts";
import type { DataOptions } from "../../../src/train/data/options.ts";
import type { DataSource } from "../../../src/train/data/source.ts";
import { wantedOf, type Wanted } from "../../../src/train/data/wanted.ts";

/** What the `train` section of a model wants. */
export function wantedBy(text: string): Wanted {
  const { model } = lower(parse({ name: "model.lmg", text }).file, { training: true });
  if (model?.train === undefined) throw new Error("the model has no train section, or is wrong");
  return wantedOf(model.train.graph, model.train.targets);
}

/** A model of tokens; `length` is its second axis. */
export const tokenModel = (length = "T <= 8", vocabulary = 99, batch = "B"): string => `
model chars(vocab = ${vocabulary}) {
  input tokens: i32[${batch}, ${length}]
  embedding(vocab, 4)
  linear(vocab)
  output logits: f32[${batch}, ${length.split(" ")[0]!}, vocab]
  train {
    target next: i32[${batch}, ${length.split(" ")[0]!}]
    loss (logits, next) -> cross_entropy
  }
}`;

/** A classifier of rows into ten classes; \`row\` is what stands behind the batch. */
export const rowModel = (row = "6", batch = "B", loss = "cross_entropy"): string => `
model rows {
  input image: f32[${batch}, ${row}]
  linear(10)
  output logits: f32[${batch}, 10]
  train {
    target label: i32[${batch}]
    loss (logits, label) -> ${loss}
  }
}`;

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

export const textSource = (text: string, name = "book.txt"): DataSource => ({ name, bytes: utf8(text) });

/** Opens data for a model; small defaults. */
export function tryOpen(
  model: string,
  sources: readonly DataSource[],
  options: Partial<DataOptions> = {},
): Batches | Problem {
  return openData(sources, wantedBy(model), { batch: 2, seed: 1, ...options });
}

export const open = (
  model: string,
  sources: readonly DataSource[],
  options: Partial<DataOptions> = {},
): Batches => expectValue(tryOpen(model, sources, options));

/** The elements of a batch's tensor as rows of numbers. */
export function rowsOf(batches: ReturnType<Batches["at"]>, name: string): number[][] {
  const { shape, data } = batches[name]!;
  const size = data.length / shape[0]!;
  return Array.from({ length: shape[0]! }, (_, row) => [...data.subarray(row * size, (row + 1) * size)]);
}
