import type { Candidate } from "../../run/candidates.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";
import { showTable } from "../table.ts";

/** A table of candidates, with their text where a tokenizer is at hand. */
export function showCandidates(candidates: readonly Candidate[], tokenizer: Tokenizer | undefined): string {
  const rows = candidates.map(({ id, probability }) => [
    String(id),
    `${(100 * probability).toFixed(2)} %`,
    ...(tokenizer === undefined ? [] : [JSON.stringify(tokenizer.decode([id]))]),
  ]);
  const heads = ["token", "probability", ...(tokenizer === undefined ? [] : ["text"])];
  return showTable(heads, rows, [0, 1]);
}
