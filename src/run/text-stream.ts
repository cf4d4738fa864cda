import { Problem } from "../checkpoint/problem.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { generate, type Generation, type GenerationOptions } from "./generation.ts";
import type { RunnableModel } from "./model.ts";
import { encodePrompt } from "./tokenizer.ts";

/** Gives a text piece by piece as its tokens come, holding back a character whose bytes are not all there. */
export class TextStream {
  readonly #tokenizer: Tokenizer;
  readonly #write: (text: string) => void;
  #written = "";

  constructor(tokenizer: Tokenizer, prompt: readonly number[], write: (text: string) => void) {
    this.#tokenizer = tokenizer;
    this.#write = write;
    this.show(prompt);
  }

  /** `tokens` are the whole text so far. */
  show(tokens: readonly number[]): void {
    const text = this.#tokenizer.decode(tokens);
    if (!text.endsWith("\ufffd")) this.#goOnTo(text);
  }

  /** Writes also what was held back: no more bytes will come. */
  end(tokens: readonly number[]): void {
    this.#goOnTo(this.#tokenizer.decode(tokens));
  }

  /** A later token may change how those before it are spelt; what was given stays. */
  #goOnTo(text: string): void {
    let same = 0;
    while (same < this.#written.length && this.#written[same] === text[same]) same++;
    this.#write(text.slice(same));
    this.#written = text;
  }
}

/**
 * Goes on from a prompt with the model's tokenizer, and gives the text piece by piece: the prompt first, as the tokenizer
 * spells it. A prompt without tokens, or that the model cannot read, is a problem; a later one is thrown as a `ProblemError`.
 */
export function generateText(
  model: RunnableModel & { readonly tokenizer: Tokenizer },
  prompt: string,
  options: GenerationOptions,
): AsyncIterable<string> | Problem {
  const ids = encodePrompt(model.tokenizer, prompt);
  if (ids instanceof Problem) return ids;
  const generation = generate(model, ids, options);
  return generation instanceof Problem ? generation : piecesOf(generation, model.tokenizer);
}

async function* piecesOf(generation: Generation, tokenizer: Tokenizer): AsyncGenerator<string, void> {
  let pieces: string[] = [];
  const stream = new TextStream(tokenizer, generation.tokens, (text) => pieces.push(text));
  const taken = (): string => {
    const text = pieces.join("");
    pieces = [];
    return text;
  };
  yield taken();
  while ((await generation.next()) !== undefined) {
    stream.show(generation.tokens);
    const text = taken();
    if (text !== "") yield text;
  }
  stream.end(generation.tokens);
  const rest = taken();
  if (rest !== "") yield rest;
}
