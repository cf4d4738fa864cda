import { showCount } from "../support/text.ts";
import { Problem, quote, quotePath } from "./problem.ts";

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

/** A parsed JSON object; its keys are own properties, also `__proto__`. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

export const isJsonObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The value of an own key; undefined for what an object inherits. */
export const ownValue = (object: JsonObject, key: string): JsonValue | undefined =>
  Object.hasOwn(object, key) ? object[key] : undefined;

/** The text of UTF-8 bytes. A byte order mark stays, for JSON to refuse. */
export function decodeUtf8(bytes: Uint8Array, name: string): string | Problem {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return notUtf8(bytes, name);
  }
}

/** Where the text stops being UTF-8. */
function notUtf8(bytes: Uint8Array, name: string): Problem {
  const at = validLength(bytes);
  if (at === bytes.length)
    return new Problem(
      "E700",
      `cannot read ${quotePath(name)}: ${showCount(at)} bytes are too many for one text`,
    );
  const line = bytes.subarray(0, at).reduce((count, byte) => (byte === LINE_BREAK ? count + 1 : count), 1);
  const found = bytes[at]!.toString(16).padStart(2, "0");
  return new Problem(
    "E703",
    `${name}: the text is not valid UTF-8: byte ${at}, in line ${line}, is ${found}`,
    isUtf16(bytes)
      ? "it begins as UTF-16 does, which is what `>` of PowerShell writes: save it as UTF-8"
      : undefined,
  );
}

const isUtf16 = ([first, second]: Uint8Array): boolean =>
  (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);

const LINE_BREAK = 10;

/** How many bytes stand before the first that no character of UTF-8 has there (the Unicode Standard, table 3-7). */
function validLength(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length) {
    const size = characterAt(bytes, at);
    if (size === 0) break;
    at += size;
  }
  return at;
}

/** The bytes of the character that begins at a place; 0 if there is none. */
function characterAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]!;
  if (lead < 0x80) return 1;
  const size = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  // What the second byte may be so that nothing is written longer than it needs, no surrogate, nothing above U+10FFFF.
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  for (let place = 1; place < size; place++) {
    const byte = bytes[at + place] ?? 0;
    if (byte < (place === 1 ? low : 0x80) || byte > (place === 1 ? high : 0xbf)) return 0;
  }
  return size;
}

/**
 * Parses a JSON object; refuses a key that stands twice, where parsers differ in which one they take, and a text that
 * would take far more memory as values than it has bytes.
 */
export function parseJsonObject(
  text: string,
  name: string,
  parse: (text: string) => unknown = JSON.parse,
): JsonObject | Problem {
  const value = parseValue(text, name, parse);
  if (value instanceof Problem || isJsonObject(value)) return value;
  return new Problem("E703", `${name}: expected a JSON object, found ${kindOf(value)}`);
}

/** The same of a list. */
export function parseJsonList(text: string, name: string): readonly JsonValue[] | Problem {
  const value = parseValue(text, name, JSON.parse);
  if (value instanceof Problem || Array.isArray(value)) return value as readonly JsonValue[] | Problem;
  return new Problem(
    "E703",
    `${name}: expected a JSON list, found ${isJsonObject(value) ? "an object" : kindOf(value)}`,
  );
}

function parseValue(text: string, name: string, parse: (text: string) => unknown): JsonValue | Problem {
  const problem = structureProblem(text, name);
  if (problem !== undefined) return problem;
  let value: JsonValue;
  try {
    value = parse(text) as JsonValue;
  } catch {
    return new Problem("E703", `${name}: the text is not valid JSON; ${beginningOf(text)}`);
  }
  const key = repeatedKey(text);
  return key === undefined
    ? value
    : new Problem("E703", `${name}: the key ${quote(key)} stands twice in one object`);
}

/** Twice as many as a tokenizer.json of 262,144 tokens and 514,906 merges has; each takes some 50 bytes. */
const MOST_VALUES = 4_000_000;

/** Published files nest up to ten deep. */
const DEEPEST = 100;

/** Counts what the parser would make: each comma and each bracket begins at most one value. One walk, no recursion. */
function structureProblem(text: string, name: string): Problem | undefined {
  let values = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') at = endOfString(text, at) - 1;
    else if (character === ",") values++;
    else if (character === "{" || character === "[") {
      values++;
      depth++;
      if (depth > DEEPEST)
        return new Problem("E703", `${name}: the JSON nests more than ${DEEPEST} levels deep`);
    } else if (character === "}" || character === "]") depth--;
    if (values > MOST_VALUES)
      return new Problem("E703", `${name}: the JSON has more than ${showCount(MOST_VALUES)} values`);
  }
  return undefined;
}

function beginningOf(text: string): string {
  if (text.startsWith("\ufeff")) return "it begins with a byte order mark, which has no place there";
  const start = text.trim();
  return start === "" ? "it is empty" : `it begins with ${quote(start)}`;
}

const kindOf = (value: unknown): string =>
  value === null ? "null" : Array.isArray(value) ? "a list" : `a ${typeof value}`;

/** The first key that an object of a valid JSON text has twice. One walk, no recursion, no backtracking. */
function repeatedKey(text: string): string | undefined {
  const objects: Set<string>[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "{") objects.push(new Set());
    else if (character === "}") objects.pop();
    else if (character === '"') {
      const end = endOfString(text, at);
      if (isFollowedByColon(text, end)) {
        const key = JSON.parse(text.slice(at, end)) as string;
        if (objects.at(-1)?.has(key) === true) return key;
        objects.at(-1)?.add(key);
      }
      at = end - 1;
    }
  }
  return undefined;
}

/** The offset behind the closing quote of the string that opens at `start`. */
export function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

function isFollowedByColon(text: string, offset: number): boolean {
  let at = offset;
  while (text[at] === " " || text[at] === "\n" || text[at] === "\t" || text[at] === "\r") at++;
  return text[at] === ":";
}
