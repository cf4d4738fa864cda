import type { Augmentation } from "../../lower/train/augment.ts";
import type { TextTokenizer } from "../../text/tokenizer.ts";
import type { DataSource } from "./source.ts";

export interface DataOptions {
  /** Rows or windows of a training batch. */
  readonly batch: number;
  /** Tokens of a window of text. Default: the most that the model takes. */
  readonly context?: number | undefined;
  readonly seed: number;
  /**
   * What is kept for validation: files of their own, a share (below 1), or a number of rows (of tokens, of a text).
   * Default: 0.1. A text keeps its end, rows are drawn by the seed.
   */
  readonly validation?: number | readonly DataSource[] | undefined;
  /** How training rows are changed at random; a text takes none. */
  readonly augment?: readonly Augmentation[] | undefined;
  /** For text. Default: one token for each character of it. */
  readonly tokenizer?: TextTokenizer | undefined;
}
