import { Problem } from "../../checkpoint/problem.ts";
import type { Graph, Input } from "../../ir/graph.ts";
import { hostTensor, type HostTensor } from "../../tensor/host.ts";
import type { Encoded, Texts, Tokenizer } from "../../text/tokenizer.ts";
import type { Engine } from "../engine.ts";
import { tokenTensor } from "../tokens.ts";

/** How many texts are read at once, and who is told how far it is. */
export interface ReadingOptions {
  /** Default: 32. */
  readonly batch?: number;
  /** Hears how many texts were read, of how many. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Texts that were read side by side: row b of the output is of the text with number `texts[b]`. */
export interface ReadBatch {
  readonly output: HostTensor;
  readonly texts: readonly number[];
  readonly lengths: readonly number[];
}

/**
 * A model with its weights and tokenizer that reads texts whole, many at once. Shorter ones are padded at their ends: of that
 * an encoder is told by its mask, and of what follows it a causal model sees nothing; any other reads texts of one length at once.
 */
export class TextReader {
  readonly tokenizer: Tokenizer;
  /** Of the engine, for people. */
  readonly description: string;
  /** The most tokens of a text. */
  readonly longest: number;
  readonly #graph: Graph;
  readonly #engine: Engine;
  readonly #inputs: ReaderInputs;
  readonly #padding: number;

  constructor(parts: ReaderParts) {
    const { graph, engine, tokenizer, padding, longest, inputs } = parts;
    [this.tokenizer, this.description, this.longest] = [tokenizer, engine.description, longest];
    [this.#graph, this.#engine, this.#inputs, this.#padding] = [graph, engine, inputs, padding];
  }

  /** The ids of texts or of pairs; what has none is a problem. */
  encode(texts: readonly Texts[]): readonly Encoded[] | Problem {
    const encoded: Encoded[] = [];
    for (const [at, text] of texts.entries()) {
      const found = encodeWithin(this.tokenizer, text, this.longest);
      if (found instanceof Problem) return found;
      if (found.ids.length === 0)
        return new Problem(
          "E818",
          `text ${at + 1} of ${texts.length} has no tokens`,
          "give a text that has some",
        );
      encoded.push(found);
    }
    return encoded;
  }

  /** Reads texts, the longest first, and gives each batch to `each`. */
  async read(
    texts: readonly Encoded[],
    { batch = 32, onProgress }: ReadingOptions,
    each: (read: ReadBatch) => void,
  ): Promise<Problem | undefined> {
    const order = texts.map((_, at) => at).sort((a, b) => texts[b]!.ids.length - texts[a]!.ids.length);
    for (let first = 0; first < order.length;) {
      const longest = texts[order[first]!]!.ids.length;
      const chosen = order
        .slice(first, first + batch)
        .filter((at) => this.#inputs.pads || texts[at]!.ids.length === longest);
      const given = this.#tensors(
        chosen.map((at) => texts[at]!),
        longest,
      );
      if (given instanceof Problem) return given;
      const outputs = await this.#engine.run(given);
      if (outputs instanceof Problem) return outputs;
      const [output] = outputs.values();
      each({ output: output!, texts: chosen, lengths: chosen.map((at) => texts[at]!.ids.length) });
      first += chosen.length;
      onProgress?.(first, order.length);
    }
    return undefined;
  }

  #tensors(texts: readonly Encoded[], longest: number): ReadonlyMap<string, HostTensor> | Problem {
    const { ids, mask, types } = this.#inputs;
    const filled = (row: readonly number[], padding: number): number[] =>
      Array.from({ length: longest }, (_, at) => row[at] ?? padding);
    const rows = texts.map((text) => filled(text.ids, this.#padding));
    const tokens = tokenTensor(this.#graph, ids, rows);
    if (tokens instanceof Problem) return tokens;
    const shape = [texts.length, longest];
    const given = new Map([[ids.name, tokens]]);
    if (mask !== undefined)
      given.set(
        mask.name,
        hostTensor(
          "bool",
          shape,
          texts.flatMap((text) =>
            filled(
              text.ids.map(() => 1),
              0,
            ),
          ),
        ),
      );
    if (types !== undefined)
      given.set(
        types.name,
        hostTensor(
          "i32",
          shape,
          texts.flatMap((text) => filled(text.types, 0)),
        ),
      );
    return given;
  }

  close(): void {
    this.#engine.close();
  }
}

/** Cut to a length: by the tokenizer, or of one text at its end where that has no form for it. */
function encodeWithin(tokenizer: Tokenizer, texts: Texts, longest: number): Encoded | Problem {
  if (tokenizer.encodeWithin !== undefined) return tokenizer.encodeWithin(texts, longest);
  if (texts.length === 2)
    return new Problem("E742", "the tokenizer has no form for two texts that are read together");
  const ids = tokenizer.encode(texts[0]);
  if (ids instanceof Problem) return ids;
  const kept = ids.slice(0, longest);
  return { ids: kept, types: kept.map(() => 0), whole: ids.length };
}

/** Texts of which an end was cut off: their numbers from 0, and how many tokens they have. */
export type Cut = readonly { readonly text: number; readonly tokens: number }[];

export const cutOf = (texts: readonly Encoded[]): Cut =>
  texts.flatMap(({ ids, whole }, text) => (whole > ids.length ? [{ text, tokens: whole }] : []));

/** The inputs of a model that reads texts. */
export interface ReaderInputs {
  readonly ids: Input;
  readonly mask: Input | undefined;
  readonly types: Input | undefined;
  /** Whether texts of several lengths may be padded. */
  readonly pads: boolean;
}

export interface ReaderParts {
  readonly graph: Graph;
  readonly engine: Engine;
  readonly tokenizer: Tokenizer;
  readonly padding: number;
  readonly longest: number;
  readonly inputs: ReaderInputs;
}
