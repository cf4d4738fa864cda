import { Problem } from "../../checkpoint/problem.ts";
import type { Batches } from "./batches.ts";
import type { DataOptions } from "./options.ts";
import { openRows } from "./rows.ts";
import { isText, unpacked, type DataSource } from "./source.ts";
import { openText } from "./text.ts";
import { fixedBatch, type Wanted } from "./wanted.ts";

/**
 * What a training step wants, from files: one text that feeds an input and a target of tokens `[B, T]`, or arrays that
 * feed inputs and targets by name. Everything depends on the files, the options and the number of the batch alone.
 */
export function openData(
  sources: readonly DataSource[],
  wanted: Wanted,
  options: DataOptions,
): Batches | Problem {
  const plain: DataSource[] = [];
  for (const source of sources) {
    const opened = unpacked(source);
    if (opened instanceof Problem) return opened;
    plain.push(opened);
  }
  const [first] = plain;
  if (first === undefined)
    return new Problem("E751", "there is no data to train on", "name a file with --data");
  const fixed = fixedBatch(wanted);
  if (fixed !== undefined && fixed !== options.batch)
    return new Problem(
      "E756",
      `a batch of ${options.batch} was asked for, but the model takes ${fixed} rows`,
    );
  if (plain.length > 1 || !isText(first)) return openRows(plain, wanted, options);
  const [augmented] = options.augment ?? [];
  return augmented === undefined
    ? openText(first, wanted, options)
    : new Problem("E760", `${first.name}: a text cannot be augmented as \`${augmented.input}\` is to be`);
}
