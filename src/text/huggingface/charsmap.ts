import { graphemesOf } from "./graphemes.ts";
import type { Section } from "./section.ts";

/** Longest grapheme, in bytes, that is looked up as a whole. */
const MAX_GRAPHEME = 5;

/**
 * SentencePiece's compiled rules of normalization, read as the crate `spm_precompiled` reads them: four bytes of length,
 * a double-array trie of 32-bit units over bytes of UTF-8, and the texts that replace, each ended by a byte 0.
 */
export function charsmapNormalizer(section: Section): (text: string) => string {
  const bytes = base64(section.string("precompiled_charsmap"));
  const size = bytes === undefined || bytes.length < 4 ? NaN : new DataView(bytes.buffer).getUint32(0, true);
  if (bytes === undefined || !(size % 4 === 0 && size > 0 && 4 + size <= bytes.length))
    return section.refuse("precompiled_charsmap", "the rules cannot be read");
  const view = new DataView(bytes.buffer);
  const units = Uint32Array.from({ length: size / 4 }, (_, index) => view.getUint32(4 + 4 * index, true));
  const replacements = bytes.subarray(4 + size);
  return normalizerOf((key) => lookUp(units, replacements, key));
}

/** The bytes of a text in base 64; undefined if it is none. */
function base64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

const offsetOf = (unit: number): number => (unit >>> 10) << ((unit & (1 << 9)) >>> 6);

/** What replaces a text that begins with a key of the trie: what stands for the shortest key. */
function lookUp(units: Uint32Array, replacements: Uint8Array, key: Uint8Array): string | undefined {
  let at = offsetOf(units[0]!);
  for (const byte of key) {
    if (byte === 0) return undefined;
    at ^= byte;
    const unit = units[at] ?? 0;
    if ((unit & 0x8000_00ff) >>> 0 !== byte) return undefined;
    at ^= offsetOf(unit);
    if (((unit >>> 8) & 1) === 1) {
      const start = (units[at] ?? 0) & 0x7fff_ffff;
      const end = replacements.indexOf(0, start);
      return new TextDecoder("utf-8", { ignoreBOM: true }).decode(
        replacements.subarray(start, end < 0 ? undefined : end),
      );
    }
  }
  return undefined;
}

/** Replaces short graphemes as a whole and the characters of others one by one, as SentencePiece does. */
function normalizerOf(find: (key: Uint8Array) => string | undefined): (text: string) => string {
  const utf8 = new TextEncoder();
  const known = new Map<string, string | undefined>();
  const replacementOf = (text: string): string | undefined => {
    if (known.has(text)) return known.get(text);
    const found = find(utf8.encode(text));
    known.set(text, found);
    return found;
  };
  const normalizeGrapheme = (grapheme: string): string => {
    const whole = utf8.encode(grapheme).length <= MAX_GRAPHEME ? replacementOf(grapheme) : undefined;
    return whole ?? Array.from(grapheme, (character) => replacementOf(character) ?? character).join("");
  };
  return (text) => Array.from(graphemesOf(text), normalizeGrapheme).join("");
}
