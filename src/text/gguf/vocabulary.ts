import type { Metadata, MetadataValue, NumberList } from "../../checkpoint/gguf/metadata.ts";
import { TextList } from "../../checkpoint/gguf/text-list.ts";
import { Problem, ProblemError, quote } from "../../checkpoint/problem.ts";

/** What a token is (`llama_token_type`). */
export const TOKEN_TYPES = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** What a GGUF file says of its tokenizer: the keys of `tokenizer.ggml.`. Throws a ProblemError for what does not fit. */
export class TokenizerKeys {
  readonly #metadata: Metadata;
  readonly #name: string;

  constructor(metadata: Metadata, name: string) {
    this.#metadata = metadata;
    this.#name = name;
  }

  refuse(message: string, help?: string): never {
    throw new ProblemError([new Problem("E744", `${this.#name}: ${message}`, help)]);
  }

  text(key: string): string | undefined {
    const value = this.#value(key);
    if (value === undefined || typeof value === "string") return value;
    return this.refuse(`expected ${name(key)} to be a text`);
  }

  flag(key: string, otherwise: boolean): boolean {
    const value = this.#value(key);
    if (value === undefined || typeof value === "boolean") return value ?? otherwise;
    return this.refuse(`expected ${name(key)} to be true or false`);
  }

  texts(key: string): TextList {
    const value = this.#value(key);
    return value instanceof TextList ? value : this.refuse(`expected ${name(key)} to be a list of texts`);
  }

  /** A number for each token. */
  numbers(key: string, count: number): Numbers | undefined {
    const value = this.#value(key);
    if (value === undefined) return undefined;
    return isNumbers(value) && value.length === count
      ? value
      : this.refuse(`expected ${name(key)} to be a list of ${count} numbers`);
  }

  /** The id of a token that is named for what it does; it must be one of the vocabulary. */
  id(key: string, count: number): number | undefined {
    const value = this.#value(`${key}_token_id`);
    if (value === undefined) return undefined;
    const isId = typeof value === "number" && Number.isInteger(value) && value >= 0 && value < count;
    return isId ? value : this.refuse(`expected ${name(`${key}_token_id`)} to be an id below ${count}`);
  }

  #value(key: string): MetadataValue | undefined {
    return this.#metadata.get(`tokenizer.ggml.${key}`);
  }
}

const name = (key: string): string => quote(`tokenizer.ggml.${key}`);

/** Numbers of a file, or of what JSON repeats of one. */
type Numbers = NumberList | readonly number[];

const isNumbers = (value: MetadataValue): value is Numbers =>
  ArrayBuffer.isView(value) || (Array.isArray(value) && value.every((one) => typeof one === "number"));

/** The tokens of a vocabulary with what they are; ids are their places. */
export interface Tokens<Texts extends TokenTexts = TokenTexts> {
  readonly texts: Texts;
  readonly types: Numbers;
}

/** Texts by their ids. */
export type TokenTexts = Pick<TextList, "length" | "at">;

export function readTokens(keys: TokenizerKeys): Tokens<TextList> {
  const texts = keys.texts("tokens");
  const types =
    keys.numbers("token_type", texts.length) ?? new Uint8Array(texts.length).fill(TOKEN_TYPES.normal);
  return { texts, types };
}

/** What stands around a text: ids before and behind it. */
export function around(
  keys: TokenizerKeys,
  { texts }: Tokens,
  adds: { readonly bos: boolean; readonly eos: boolean },
): { readonly before: readonly number[]; readonly behind: readonly number[] } {
  const of = (key: string, isAdded: boolean): readonly number[] => {
    const id = keys.flag(`add_${key}_token`, isAdded) ? keys.id(key, texts.length) : undefined;
    return id === undefined ? [] : [id];
  };
  return { before: of("bos", adds.bos), behind: of("eos", adds.eos) };
}
