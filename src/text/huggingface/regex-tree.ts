/** A set of characters, in JavaScript's notation of the flag `v`. */
export class CharacterSet {
  readonly #pattern: RegExp;
  /** Of ASCII, then of the first 65,536: whether a character is known to be in the set, or known not to be. */
  readonly #ascii = new Int8Array(128);
  #basic: Int8Array | undefined;

  /** Throws a SyntaxError if JavaScript has no such set. */
  constructor(source: string) {
    this.#pattern = new RegExp(`^${source}$`, "v");
  }

  has(character: number): boolean {
    if (character > 0xffff) return this.#pattern.test(String.fromCodePoint(character));
    const known = character < 128 ? this.#ascii : (this.#basic ??= new Int8Array(0x10000));
    if (known[character] === 0)
      known[character] = this.#pattern.test(String.fromCodePoint(character)) ? 1 : -1;
    return known[character] === 1;
  }
}

/** A pattern, or a part of one. Of several ways to match a text the first counts. */
export type Tree =
  | { readonly kind: "set"; readonly set: CharacterSet }
  | { readonly kind: "sequence"; readonly parts: readonly Tree[] }
  | { readonly kind: "choice"; readonly parts: readonly Tree[] }
  /** `most` is infinite for `*` and `+`. What is repeated takes a character or more. */
  | {
      readonly kind: "repeat";
      readonly part: Tree;
      readonly least: number;
      readonly most: number;
      readonly isLazy: boolean;
    }
  /** Takes the first way in which the part matches, and no other. */
  | { readonly kind: "atomic"; readonly part: Tree }
  | {
      readonly kind: "look";
      readonly part: Tree;
      readonly isBehind: boolean;
      readonly isNegated: boolean;
    };

export const sequence = (...parts: readonly Tree[]): Tree =>
  parts.length === 1 ? parts[0]! : { kind: "sequence", parts };

export const choice = (...parts: readonly Tree[]): Tree =>
  parts.length === 1 ? parts[0]! : { kind: "choice", parts };

/** `(?=`, `(?!`, `(?<=`, `(?<!` around a part. */
export const look = (opens: string, part: Tree): Tree => ({
  kind: "look",
  part,
  isBehind: opens.includes("<"),
  isNegated: opens.endsWith("!"),
});
