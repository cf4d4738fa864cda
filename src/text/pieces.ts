import { ownValue, type JsonObject } from "../checkpoint/json.ts";
import { Problem } from "../checkpoint/problem.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Ids that every vocabulary of llama2.c begins with: 0 unknown, 1 begin and 2 end of sequence, then 256 bytes. */
const BEGIN = 1;
const FIRST_BYTE = 3;
const SPECIAL = FIRST_BYTE + 256;

interface Vocabulary {
  /** Bytes as Latin-1 text. */
  readonly pieces: readonly string[];
  readonly scores: readonly number[];
  readonly ids: ReadonlyMap<string, number>;
}

/**
 * The tokenizer of llama2.c (`run.c`, `encode` and `decode`) from its vocabulary as JSON: `pieces`, the bytes of each
 * id as Latin-1 text, and `scores`. A text is cut into characters (bytes where a character has no piece); then the
 * neighbours whose joint piece has the highest score are merged, until none are left.
 */
export function piecesTokenizer(file: JsonObject, name: string): Tokenizer | Problem {
  const pieces = ownValue(file, "pieces");
  const scores = ownValue(file, "scores");
  if (!isListOf(pieces, "string") || !isListOf(scores, "number") || pieces.length !== scores.length)
    return new Problem("E741", `${name}: expected lists \`pieces\` and \`scores\` of one length`);
  if (pieces.length < SPECIAL)
    return new Problem(
      "E741",
      `${name}: expected at least ${SPECIAL} pieces (3 special, 256 bytes), found ${pieces.length}`,
    );
  const ids = new Map(pieces.map((piece, id) => [piece, id]));
  const vocabulary = { pieces, scores, ids };
  return {
    size: pieces.length,
    encode: (text) => [BEGIN, ...merge(vocabulary, split(vocabulary, text))],
    decode: (tokens) => decode(vocabulary, tokens),
  };
}

const isListOf = <T extends "string" | "number">(
  value: unknown,
  type: T,
): value is readonly (T extends "string" ? string : number)[] =>
  Array.isArray(value) && value.every((item) => typeof item === type);

/** Bytes as the pieces hold them: one Latin-1 character each. */
const latin1 = (text: string): string =>
  Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");

/** A blank in front, as SentencePiece's dummy prefix; then an id a character. */
function split({ ids }: Vocabulary, text: string): number[] {
  if (text === "") return [];
  const tokens = Array.from(` ${text}`, (character) => {
    const piece = latin1(character);
    return ids.get(piece) ?? Array.from(piece, (byte) => byte.charCodeAt(0) + FIRST_BYTE);
  });
  return tokens.flat();
}

function merge({ pieces, scores, ids }: Vocabulary, tokens: number[]): number[] {
  const merged = [...tokens];
  for (;;) {
    let best: { readonly at: number; readonly id: number; readonly score: number } | undefined;
    for (let at = 0; at + 1 < merged.length; at++) {
      const id = ids.get(pieces[merged[at]!]! + pieces[merged[at + 1]!]!);
      const score = id === undefined ? -Infinity : scores[id]!;
      if (id !== undefined && (best === undefined || score > best.score)) best = { at, id, score };
    }
    if (best === undefined) return merged;
    merged.splice(best.at, 2, best.id);
  }
}

/** The blank of the dummy prefix goes again where a text begins. */
function decode({ pieces }: Vocabulary, tokens: readonly number[]): string {
  const text = tokens.map((id, at) => {
    if (id < FIRST_BYTE || id >= pieces.length) return "";
    if (id < SPECIAL) return String.fromCharCode(id - FIRST_BYTE);
    return tokens[at - 1] === BEGIN ? pieces[id]!.replace(/^ /, "") : pieces[id]!;
  });
  return new TextDecoder().decode(Uint8Array.from(text.join(""), (byte) => byte.charCodeAt(0)));
}
