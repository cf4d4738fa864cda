import type { JsonObject } from "../checkpoint/json.ts";
import type { Problem } from "../checkpoint/problem.ts";

/** A text, or two that are read together: a question and an answer, a premise and what may follow from it. */
export type Texts = readonly [string] | readonly [string, string];

/** Texts as a model reads them whole. */
export interface Encoded {
  /** With those that the model expects around and between the texts. */
  readonly ids: readonly number[];
  /** Of each id the type that the tokenizer's file gives it: most often 0, and 1 for the second text. */
  readonly types: readonly number[];
  /** How many ids there would be if none had been cut off. */
  readonly whole: number;
}

/** Text ↔ token ids, whatever form the vocabulary came in. */
export interface Tokenizer {
  /** How many ids there are: each is in [0, size). */
  readonly size: number;
  /** The ids of a text, with those that the model expects around it (begin of sequence); a character without a token is a problem. */
  readonly encode: (text: string) => readonly number[] | Problem;
  /** The same without those around it, which a text that a template made has already; if left out, `encode` adds none. */
  readonly encodeBare?: (text: string) => readonly number[] | Problem;
  /**
   * Texts with those around and between them, cut to at most `longest` ids, of two texts the longer first; if left out, there
   * is no form for two texts. What `encode` would cut counts for nothing here.
   */
  readonly encodeWithin?: (texts: Texts, longest: number) => Encoded | Problem;
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
