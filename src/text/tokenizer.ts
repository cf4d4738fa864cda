import type { Problem } from "../checkpoint/problem.ts";

/** Text ↔ token ids, whatever form the vocabulary came in. */
export interface Tokenizer {
  /** How many ids there are: each is in [0, size). */
  readonly size: number;
  /** The ids of a text, with those that the model expects around it (begin of sequence); a character without a token is a problem. */
  readonly encode: (text: string) => readonly number[] | Problem;
  /** The text of ids; special tokens have none. Ids out of range have none either. */
  readonly decode: (ids: readonly number[]) => string;
}
