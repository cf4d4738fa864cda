/** A stream of numbers that a seed and an index decide, so that any one input can be made again. */
export class Random {
  #state: number;

  constructor(seed: number, index: number) {
    this.#state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b)) >>> 0;
  }

  /** In [0, 1); mulberry32 (Tommy Ettinger, public domain). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number in [0, end). */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** So many of what is made, none up to `most`. */
  several<T>(most: number, make: () => T): T[] {
    return Array.from({ length: this.below(most + 1) }, make);
  }
}

/** Numbers on which readers stumble. */
const WILD = [0, -0, -1, 1, 2, 0.5, 255, 65_536, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 63, 1e300, -1e300, 1e-300];

export const wildNumber = (random: Random): number =>
  random.below(3) === 0 ? random.pick(WILD) : random.below(40) - 4;

/** Bytes of a right file with some replaced, a part doubled or left out, or its end cut off. */
export function mutateBytes(random: Random, bytes: Uint8Array): Uint8Array {
  let copy: Uint8Array = Uint8Array.from(bytes);
  for (let edit = random.below(6); edit >= 0 && copy.length > 0; edit--) {
    const at = random.below(copy.length);
    // Headers come first, where an edit tells most.
    const early = random.below(Math.min(copy.length, 80));
    switch (random.below(6)) {
      case 0:
        copy[at] = random.below(256);
        break;
      case 1:
        copy[early] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
        break;
      case 2:
        copy = copy.slice(0, at);
        break;
      case 3:
        copy = concat(copy.subarray(0, at), copy.subarray(Math.min(copy.length, at + random.below(9))));
        break;
      case 4:
        copy = concat(
          copy.subarray(0, at),
          copy.subarray(early, early + random.below(40)),
          copy.subarray(at),
        );
        break;
      default:
        copy.fill(random.pick([0, 0xff]), early, early + 8);
    }
  }
  return copy;
}

const concat = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

/** Words, numbers, texts, and single characters. */
const tokensOf = (text: string): string[] => text.match(/\w+|->|\.\.|"[^"\n]*"|\s+|./gs) ?? [];

/** Characters that are more than they look like. */
const ODD = ["\0", "\x1b[31m", "\u202e", "\u2028", "\ufeff", "\ud800", "é", "😀", "\r", "\t", "«", "`", "${"];

/** A right text with words changed, doubled or left out; `words` are what may stand in their place. */
export function mutateText(random: Random, text: string, words: readonly string[]): string {
  const tokens = tokensOf(text);
  for (let edit = random.below(5); edit >= 0 && tokens.length > 0; edit--) {
    const at = random.below(tokens.length);
    const word = random.below(12) === 0 ? random.pick(ODD) : random.pick(words);
    switch (random.below(6)) {
      case 0:
        tokens.splice(at, 1 + random.below(3));
        break;
      case 1:
        tokens[at] = word;
        break;
      case 2:
        tokens.splice(at, 0, word, " ");
        break;
      case 3:
        tokens.splice(at, 0, ...tokens.slice(at, at + random.below(30)));
        break;
      case 4:
        tokens[at] = String(wildNumber(random));
        break;
      default:
        tokens.length = Math.max(1, at);
    }
  }
  return tokens.join("");
}

export const vocabularyOf = (texts: readonly string[]): string[] => [...new Set(texts.flatMap(tokensOf))];

/** A JSON value with some of its parts replaced by others of it, by wild values, or left out. */
export function mutateJson(random: Random, value: unknown): unknown {
  const parts: unknown[] = [];
  collect(value, parts);
  let edits = 1 + random.below(3);
  const change = (part: unknown): unknown => {
    if (edits > 0 && random.below(Math.max(2, Math.ceil(parts.length / 2))) === 0) {
      edits--;
      return anyJson(random, parts);
    }
    if (Array.isArray(part)) return part.flatMap((item) => (drops() ? [] : [change(item)]));
    if (typeof part !== "object" || part === null) return part;
    return Object.fromEntries(
      Object.entries(part).flatMap(([key, item]) =>
        drops() ? [] : [[random.below(60) === 0 ? random.pick(KEYS) : key, change(item)]],
      ),
    );
  };
  const drops = (): boolean => random.below(80) === 0;
  return change(value);
}

const KEYS = ["__proto__", "constructor", "type", "", "a.b", "length"];

function anyJson(random: Random, parts: readonly unknown[]): unknown {
  switch (random.below(8)) {
    case 0:
      return null;
    case 1:
      return random.below(2) === 0;
    case 2:
    case 3:
      return wildNumber(random);
    case 4:
      return random.pick([
        "",
        "a",
        "__proto__",
        "ByteLevel",
        "BPE",
        "\ud800",
        "(?:(a+)+)+$",
        "x".repeat(300),
      ]);
    case 5:
      return random.pick([[], {}, [[]], [1, 2], { type: "Sequence" }]);
    default:
      return random.pick(parts);
  }
}

function collect(value: unknown, into: unknown[]): void {
  if (into.length > 2000) return;
  into.push(value);
  if (typeof value === "object" && value !== null)
    for (const part of Object.values(value)) collect(part, into);
}
