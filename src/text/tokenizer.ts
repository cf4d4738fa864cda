import type { JsonObject } from "../checkpoint/json.ts";
import type { Problem } from "../checkpoint/problem.ts";

/** Text ↔ token ids, whatever form the vocabulary came in. */
export interface Tokenizer {
  /** How many ids there are: each is in [0, size). */
  readonly size: number;
  /** The ids of a text, with those that the model expects around it (begin of sequence); a character without a token is a problem. */
  readonly encode: (text: string) => readonly number[] | Problem;
  /** The same without those around it, which a text that a template made has already; if left out, `encode` adds none. */
  readonly encodeBare?: (text: string) => readonly number[] | Problem;
  /** The text of ids; special tokens have none. Ids out of range have none either. */
  readonly decode: (ids: readonly number[]) => string;
  /** What is to be said of ids that `encode` gave: that a text was cut, or not padded, where the file asks for it. */
  readonly remarks?: (ids: readonly number[]) => readonly string[];
}

/** A tokenizer that a training can use on long texts, and save beside what it trained. */
export interface TextTokenizer extends Tokenizer {
  /** Its tokens in words: `65 characters`, `512 byte-pair tokens`. */
  readonly description: string;
  /** What a `tokenizer.json` says of it. */
  readonly file: JsonObject;
  /** As `encode`, for texts of many megabytes. */
  readonly encodeAll: (text: string) => Int32Array | Problem;
}
