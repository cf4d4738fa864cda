import { isJsonObject, ownValue, type JsonObject, type JsonValue } from "../../checkpoint/json.ts";
import { quote, showJson } from "../../checkpoint/problem.ts";
import { listWords } from "../../support/text.ts";

/**
 * A member of a tokenizer.json that cannot be done, or is none of the format. Thrown while a file is read, and caught in
 * one place (`tokenizer.ts`), which makes a `Problem` of it.
 */
export class Unreadable extends Error {
  readonly help: string | undefined;

  constructor(message: string, help?: string) {
    super(message);
    this.help = help;
  }
}

/** Deepest nesting of sections that is read; published files have 4. */
const MAX_DEPTH = 32;

/**
 * One object of a tokenizer.json, which is read member by member. `end` refuses what was not read: a member that nobody
 * knows may change ids. As in Hugging Face's library a member that is null counts as absent.
 */
export class Section {
  /** Where it stands, `pre_tokenizer.pretokenizers[1]`; "" for the file. */
  readonly path: string;
  readonly #object: JsonObject;
  readonly #depth: number;
  readonly #read = new Set<string>();

  constructor(object: JsonObject, path = "", depth = 0) {
    if (depth > MAX_DEPTH)
      throw new Unreadable(`${quote(path)} is nested more than ${MAX_DEPTH} sections deep`);
    this.#object = object;
    this.path = path;
    this.#depth = depth;
  }

  /** The value of a member, which counts as read; undefined if it is absent or null. */
  value(key: string): JsonValue | undefined {
    this.#read.add(key);
    return ownValue(this.#object, key) ?? undefined;
  }

  /** Ends the reading: the member is not what it must be. */
  fail(key: string, expected: string, help?: string): never {
    const value = ownValue(this.#object, key);
    const found = value === undefined ? "it is missing" : `found ${showJson(value)}`;
    throw new Unreadable(`${quote(this.#pathOf(key))}: expected ${expected}, ${found}`, help);
  }

  /** Ends the reading: the member is of the format, but says what is not done here. */
  refuse(key: string, why: string, help?: string): never {
    const value = ownValue(this.#object, key);
    throw new Unreadable(
      `${quote(this.#pathOf(key))}${value === undefined ? "" : ` is ${showJson(value)}`}: ${why}`,
      help,
    );
  }

  string(key: string): string {
    return this.optionalString(key) ?? this.fail(key, "a text");
  }

  optionalString(key: string): string | undefined {
    const value = this.value(key);
    return value === undefined || typeof value === "string" ? value : this.fail(key, "a text");
  }

  /** One character. */
  character(key: string): string {
    const value = this.string(key);
    return /^.$/su.test(value) ? value : this.fail(key, "one character");
  }

  boolean(key: string, missing?: boolean): boolean {
    const value = this.value(key) ?? missing;
    return typeof value === "boolean" ? value : this.fail(key, "true or false");
  }

  /** A whole number of at least 0. */
  count(key: string, missing?: number): number {
    const value = this.value(key) ?? missing;
    return isCount(value) ? value : this.fail(key, "a whole number of at least 0");
  }

  choice<T extends string>(key: string, choices: readonly T[], missing?: T): T {
    const value = this.optionalString(key) ?? missing;
    return choices.find((choice) => choice === value) ?? this.fail(key, listWords(choices, "or"));
  }

  list(key: string): readonly JsonValue[] {
    const value = this.value(key);
    return Array.isArray(value) ? (value as readonly JsonValue[]) : this.fail(key, "a list");
  }

  section(key: string): Section {
    return this.optionalSection(key) ?? this.fail(key, "an object");
  }

  optionalSection(key: string): Section | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    return isJsonObject(value) ? this.#inner(value, this.#pathOf(key)) : this.fail(key, "an object");
  }

  sections(key: string): readonly Section[] {
    return this.list(key).map((item, index) =>
      isJsonObject(item)
        ? this.#inner(item, `${this.#pathOf(key)}[${index}]`)
        : this.fail(key, "a list of objects"),
    );
  }

  keys(): readonly string[] {
    return Object.keys(this.#object);
  }

  /** Whether the file has the member, null or not. */
  has(key: string): boolean {
    return Object.hasOwn(this.#object, key);
  }

  /** Members that are of the format and change no id. */
  ignore(...keys: readonly string[]): void {
    for (const key of keys) this.#read.add(key);
  }

  /** Refuses what was not read. */
  end(): void {
    const unread = this.keys().find((key) => !this.#read.has(key));
    if (unread !== undefined)
      this.refuse(unread, `\`tokenizers\` has no such member${this.path === "" ? "" : " there"}`);
  }

  #pathOf(key: string): string {
    return this.path === "" ? key : `${this.path}.${key}`;
  }

  #inner(object: JsonObject, path: string): Section {
    return new Section(object, path, this.#depth + 1);
  }
}

export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/** What reads a section, by its `type`. */
export type Kinds<T> = Readonly<Record<string, (section: Section) => T>>;

/** Reads a section by its `type`, whole. */
export function readKind<T>(section: Section, kinds: Kinds<T>): T {
  const type = section.string("type");
  if (!Object.hasOwn(kinds, type)) section.refuse("type", `known are ${listWords(Object.keys(kinds))}`);
  const made = kinds[type]!(section);
  section.end();
  return made;
}
