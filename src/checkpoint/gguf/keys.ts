import type { JsonValue } from "../json.ts";
import { Problem, ProblemError, quote } from "../problem.ts";
import { showValue } from "./header.ts";
import type { Metadata, MetadataValue } from "./metadata.ts";

/** Several times what the deepest published models have; lists of one element a layer are made of it. */
const MOST_LAYERS = 1000;

/** What a GGUF file says of its model, key by key: what is not read in the end is refused. Throws a ProblemError. */
export class ModelKeys {
  readonly architecture: string;
  readonly #metadata: Metadata;
  readonly #name: string;
  readonly #read = new Set<string>();

  constructor(metadata: Metadata, architecture: string, name: string) {
    this.#metadata = metadata;
    this.architecture = architecture;
    this.#name = name;
  }

  refuse(message: string, help?: string): never {
    throw new ProblemError([new Problem("E734", `${this.#name}: ${message}`, help)]);
  }

  /** The value of `ARCHITECTURE.key`, or `otherwise` where there is none. */
  number<T>(key: string, otherwise: T): number | T {
    const value = this.#take(key);
    if (value === undefined) return otherwise;
    return typeof value === "number" ? value : this.#unfit(key, "a number", value);
  }

  /** The same, which must be there. */
  required(key: string): number {
    return this.number(key, undefined) ?? this.#unfit(key, "a number", undefined);
  }

  /** How many layers the model has. */
  layers(): number {
    const count = this.required("block_count");
    if (Number.isInteger(count) && count > 0 && count <= MOST_LAYERS) return count;
    return this.#unfit("block_count", `a whole number up to ${MOST_LAYERS}`, count);
  }

  flag<T>(key: string, otherwise: T): boolean | T {
    const value = this.#take(key);
    if (value === undefined) return otherwise;
    return typeof value === "boolean" ? value : this.#unfit(key, "true or false", value);
  }

  text<T>(key: string, otherwise: T): string | T {
    const value = this.#take(key);
    if (value === undefined) return otherwise;
    return typeof value === "string" ? value : this.#unfit(key, "a text", value);
  }

  /** Reads a key that must have this value, where it is there: models that have another are not these. */
  expect(key: string, value: number | boolean | string): void {
    const found = this.#take(key);
    if (found !== undefined && found !== value)
      this.refuse(
        `${quote(this.#full(key))} is ${showValue(found)}, and only ${value} is read for ${quote(this.architecture)}`,
      );
  }

  /** Keys that change no number of the model. */
  ignore(...keys: readonly string[]): void {
    for (const key of keys) this.#take(key);
  }

  /** Every key of the architecture was read: one that was not may change what the model computes. */
  requireAllRead(): void {
    const unread = [...this.#metadata.keys()].find(
      (key) => key.startsWith(`${this.architecture}.`) && !this.#read.has(key),
    );
    if (unread !== undefined)
      this.refuse(
        `${quote(unread)} is ${showValue(this.#metadata.get(unread))}, which is not read for ${quote(this.architecture)}`,
        "take the safetensors of the model that the file was made of",
      );
  }

  /** A number of `tokenizer.ggml.`, such as the id of a token. */
  token(key: string): number | undefined {
    const value = this.#metadata.get(`tokenizer.ggml.${key}`);
    return typeof value === "number" ? value : undefined;
  }

  #full(key: string): string {
    return `${this.architecture}.${key}`;
  }

  #take(key: string): MetadataValue | undefined {
    this.#read.add(this.#full(key));
    return this.#metadata.get(this.#full(key));
  }

  #unfit(key: string, expected: string, found: MetadataValue | undefined): never {
    return this.refuse(`expected ${quote(this.#full(key))} to be ${expected}, found ${showValue(found)}`);
  }
}

/** Without the keys that have no value. */
export const present = (
  fields: Readonly<Record<string, JsonValue | undefined>>,
): Readonly<Record<string, JsonValue>> =>
  Object.fromEntries(
    Object.entries(fields).filter((field): field is [string, JsonValue] => field[1] !== undefined),
  );
