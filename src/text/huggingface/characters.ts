import { COMBINING_MARKS, NONSPACING_MARKS, OTHER, PUNCTUATION } from "./character-ranges.ts";

/** The inside of brackets for ranges of code points: `61-7a 5f`. */
const insideOf = (ranges: string): string =>
  ranges
    .split(" ")
    .map((range) => range.replace(/[0-9a-f]+/g, (code) => `\\u{${code}}`))
    .join("");

const anyOf = (ranges: string): RegExp => new RegExp(`[${insideOf(ranges)}]`, "gv");

/** Punctuation of ASCII, and of the categories P of the Unicode of 2015. */
export const punctuation = anyOf(PUNCTUATION);
/** Controls, formats and private use, but for tab, line feed and carriage return; NUL and U+FFFD. */
export const otherCharacters = anyOf(OTHER);
export const nonspacingMarks = anyOf(NONSPACING_MARKS);
export const combiningMarks = anyOf(COMBINING_MARKS);

/** `char::is_numeric` of Rust. */
export const numeric = /\p{N}/gu;
/** `char::is_whitespace` of Rust. */
export const whiteSpace = /\p{White_Space}/gu;
/** `\w` of the crate `regex` (Unicode's UTS #18), as the inside of brackets. */
export const WORD = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}";

/** Characters that decompose or compose, but not yet in Unicode 9, which the library's normalization knows. */
const NEWER =
  "32ff a7f1-a7f4 ab69 105c9 105d2 105da 105e4 10781-10785 10787-107b0 107b2-107ba 11382-11385 1138b 1138e 11390 11391 " +
  "113c2 113c5 113c7 113c8 11935 11938 1611e 16121-16129 16d63 16d67-16d6a 1ccd6-1ccf9 1e030-1e06d 1f16c 1fbf0-1fbf9";

/** What has no part in the library's normalization, though it has in JavaScript's: texts are normalized around it. */
const inert = new RegExp(`([${insideOf(NEWER)}[\\p{M}--[${insideOf(COMBINING_MARKS)}]]]+)`, "v");

/** A form of Unicode, by the rules of Unicode 9. */
export const unicodeNormal =
  (form: "NFC" | "NFD" | "NFKC" | "NFKD") =>
  (text: string): string =>
    text
      .split(inert)
      .map((part, index) => (index % 2 === 0 ? part.normalize(form) : part))
      .join("");
