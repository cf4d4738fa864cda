import { Problem } from "../../checkpoint/problem.ts";
import type { Batches } from "./batches.ts";
import type { DataOptions } from "./options.ts";
import type { DataSource } from "./source.ts";
import { openText } from "./text.ts";
import type { Wanted } from "./wanted.ts";

/**
 * What a training step wants, from files: one text that feeds an input and a target of tokens `[B, T]`, or arrays that
 * feed inputs and targets by name. Everything depends on the files, the options and the number of the batch alone.
 */
export function openData(
  sources: readonly DataSource[],
  wanted: Wanted,
  options: DataOptions,
): Batches | Problem {
  const [first, second] = sources;
  if (first === undefined)
    return new Problem("E751", "there is no data to train on", "name a file with --data");
  if (second !== undefined)
    return new Problem(
      "E754",
      `${second.name}: a text feeds all that a model wants; ${first.name} is it already`,
    );
  return openText(first, wanted, options);
}
