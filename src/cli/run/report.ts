import type { HostTensor } from "../../tensor/host.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";
import { showTable } from "../table.ts";
import { lastRow } from "./generate.ts";
import { likeliest, type Candidate } from "./sampling.ts";

/** The likeliest next tokens after the last position of logits [.., T, V]. */
export const nextTokens = (logits: HostTensor, count: number): readonly Candidate[] =>
  likeliest(lastRow(logits), count);

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

/** Writes a text piece by piece as its tokens come, holding back a character whose bytes are not all there. */
export class TextStream {
  readonly #tokenizer: Tokenizer;
  readonly #write: (text: string) => void;
  #written = "";

  constructor(tokenizer: Tokenizer, prompt: readonly number[], write: (text: string) => void) {
    this.#tokenizer = tokenizer;
    this.#write = write;
    this.show(prompt);
  }

  show(tokens: readonly number[]): void {
    const text = this.#tokenizer.decode(tokens);
    if (!text.endsWith("\ufffd")) this.#goOnTo(text);
  }

  /** Writes also what was held back: no more bytes will come. */
  end(tokens: readonly number[]): void {
    this.#goOnTo(this.#tokenizer.decode(tokens));
  }

  /** A later token may change how those before it are spelt; what stands on the screen stays. */
  #goOnTo(text: string): void {
    let same = 0;
    while (same < this.#written.length && this.#written[same] === text[same]) same++;
    this.#write(text.slice(same));
    this.#written = text;
  }
}
