import { byteText } from "../byte-level.ts";
import { charsmapNormalizer } from "./charsmap.ts";
import { combiningMarks, nonspacingMarks, otherCharacters, unicodeNormal } from "./characters.ts";
import { replaceMatches } from "./pieces.ts";
import { readPattern } from "./read-pattern.ts";
import { readKind, type Kinds, type Section } from "./section.ts";

/** What a text is changed to before it is cut. */
export type Normalizer = (text: string) => string;

export const readNormalizer = (section: Section): Normalizer => readKind(section, NORMALIZERS);

/** How many times as long all parts together may make a text; published files have at most 3. */
const MAX_GROWTH = 1000;

/** Refuses parts that make a text longer again and again, each by a factor. */
function requireGrowth(section: Section, parts: readonly Section[]): void {
  let growth = 1;
  const pending = [...parts];
  for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
    const type = part.value("type");
    const content = part.value("content");
    if (type === "Sequence") for (const inner of part.sections("normalizers")) pending.push(inner);
    else if (type === "ByteLevel") growth *= 2;
    else if (type === "Replace" && typeof content === "string") growth *= Math.max(1, content.length);
  }
  if (growth > MAX_GROWTH)
    section.refuse("normalizers", `they may make a text more than ${MAX_GROWTH} times as long`);
}

/** As the structures of this name in `tokenizers::normalizers`. */
const NORMALIZERS: Kinds<Normalizer> = {
  BertNormalizer: readBertNormalizer,
  ByteLevel: () => byteText,
  Lowercase: () => lowercase,
  NFC: () => unicodeNormal("NFC"),
  NFD: () => unicodeNormal("NFD"),
  NFKC: () => unicodeNormal("NFKC"),
  NFKD: () => unicodeNormal("NFKD"),
  Nmt: () => nmt,
  Precompiled: (section) => charsmapNormalizer(section),
  Prepend: (section) => {
    const prefix = section.string("prepend");
    return (text) => (text === "" ? "" : prefix + text);
  },
  Replace: (section) => {
    const pattern = readPattern(section);
    const content = section.string("content");
    return (text) => replaceMatches(text, pattern, content);
  },
  Sequence: (section) => {
    const sections = section.sections("normalizers");
    requireGrowth(section, sections);
    const parts = sections.map(readNormalizer);
    return (text) => parts.reduce((changed, part) => part(changed), text);
  },
  Strip: (section) => {
    const [left, right] = [section.boolean("strip_left"), section.boolean("strip_right")];
    return (text) => {
      const start = left ? text.replace(/^\p{White_Space}+/u, "") : text;
      return right ? trimEnd(start) : start;
    };
  },
  StripAccents: () => (text) => text.replace(combiningMarks, ""),
};

/** Character by character: unlike JavaScript's `toLowerCase`, which looks around a final sigma. */
const lowercase: Normalizer = (text) =>
  /^[\u0000-\u007f]*$/.test(text)
    ? text.toLowerCase()
    : Array.from(text, (character) => character.toLowerCase()).join("");

/** Not by a pattern, which would begin anew at each blank of a run. */
function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && /\p{White_Space}/u.test(text[end - 1]!)) end--;
  return text.slice(0, end);
}

/** The rules of Google's NMT (`do_nmt`): control characters go, some others become blanks. */
const nmt: Normalizer = (text) =>
  text
    .replace(/[\u0001-\u0008\u000b\u000e-\u001f\u007f\u008f\u009f]/g, "")
    .replace(/[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g, " ");

/** Ideographs that BERT takes for words of one character. */
const IDEOGRAPHS =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;

function readBertNormalizer(section: Section): Normalizer {
  const cleans = section.boolean("clean_text");
  const handlesIdeographs = section.boolean("handle_chinese_chars");
  const lowers = section.boolean("lowercase");
  const strips = section.boolean("strip_accents", lowers);
  const decompose = unicodeNormal("NFD");
  return (text) => {
    let changed = text;
    if (cleans) changed = changed.replace(otherCharacters, "").replace(/\p{White_Space}/gu, " ");
    if (handlesIdeographs) changed = changed.replace(IDEOGRAPHS, " $& ");
    if (strips) changed = decompose(changed).replace(nonspacingMarks, "");
    return lowers ? lowercase(changed) : changed;
  };
}
