import { byteText } from "../byte-level.ts";
import * as characters from "./characters.ts";
import { literalPattern, patternOf } from "./pattern.ts";
import { BEHAVIORS, splitPiece, withPrefix, type Piece } from "./pieces.ts";
import { readPattern } from "./read-pattern.ts";
import { compileRegex } from "./regex.ts";
import { readKind, type Kinds, type Section } from "./section.ts";

/** How a piece of text is cut into words; those without text fall away. */
export type PreTokenizer = (piece: Piece) => readonly Piece[];

export const readPreTokenizer = (section: Section): PreTokenizer => readKind(section, PRE_TOKENIZERS);

/** As the structures of this name in `tokenizers::pre_tokenizers`. */
const PRE_TOKENIZERS: Kinds<PreTokenizer> = {
  BertPreTokenizer: () => (piece) =>
    splitPiece(piece, whiteSpace, "Removed").flatMap((word) => splitPiece(word, punctuation, "Isolated")),
  ByteLevel: readByteLevel,
  CharDelimiterSplit: (section) => {
    const delimiter = literalPattern(section.character("delimiter"));
    return (piece) => splitPiece(piece, delimiter, "Removed");
  },
  Digits: (section) => {
    const behavior = section.boolean("individual_digits") ? "Isolated" : "Contiguous";
    return (piece) => splitPiece(piece, numeric, behavior);
  },
  FixedLength: readFixedLength,
  Metaspace: readMetaspace,
  Punctuation: (section) => {
    const behavior = section.choice("behavior", BEHAVIORS, "Isolated");
    return (piece) => splitPiece(piece, punctuation, behavior);
  },
  Sequence: (section) => {
    const parts = section.sections("pretokenizers").map(readPreTokenizer);
    return (piece) => parts.reduce<readonly Piece[]>((pieces, part) => pieces.flatMap(part), [piece]);
  },
  Split: (section) => {
    const pattern = readPattern(section);
    const behavior = section.choice("behavior", BEHAVIORS);
    const isInverted = section.boolean("invert");
    return (piece) => splitPiece(piece, pattern, behavior, isInverted);
  },
  UnicodeScripts: (section) =>
    section.refuse(
      "type",
      "lmg does not cut texts by script",
      "cut by a `Split` with `\\p{Han}` and the like",
    ),
  Whitespace: () => (piece) => splitPiece(piece, words, "Removed", true),
  WhitespaceSplit: () => (piece) => splitPiece(piece, whiteSpace, "Removed"),
};

/** `\w+|[^\w\s]+` of the crate `regex`. */
const words = patternOf(new RegExp(`[${characters.WORD}]+|[^${characters.WORD}\\p{White_Space}]+`, "gv"));

const punctuation = patternOf(characters.punctuation);
const numeric = patternOf(characters.numeric);
const whiteSpace = patternOf(characters.whiteSpace);

/** GPT-2's cut into words. */
const gpt2Words = compileRegex(
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  "ByteLevel",
);

function readByteLevel(section: Section): PreTokenizer {
  const addsBlank = section.boolean("add_prefix_space");
  const usesRegex = section.boolean("use_regex", true);
  section.ignore("trim_offsets");
  return (piece) => {
    const whole = addsBlank && !piece.text.startsWith(" ") ? withPrefix(piece, " ") : piece;
    return (usesRegex ? splitPiece(whole, gpt2Words, "Isolated") : [whole]).map(({ text, head }) => ({
      text: byteText(text),
      head: head === 0 ? 0 : byteText(text.slice(0, head)).length,
    }));
  };
}

function readFixedLength(section: Section): PreTokenizer {
  const length = section.count("length", 5);
  if (length === 0) section.fail("length", "a length of at least 1");
  const chunks = patternOf(new RegExp(`.{1,${length}}`, "gsu"));
  return (piece) => splitPiece(piece, chunks, "Isolated");
}

/** The character that stands for a blank, and whether one is put in front. */
export function readMetaspaceMembers(section: Section) {
  const replacement = section.character("replacement");
  const scheme = section.choice("prepend_scheme", ["always", "first", "never"], "always");
  // What came before `prepend_scheme`. The library refuses a scheme that says the opposite.
  const adds = section.boolean("add_prefix_space", true);
  if (!adds && scheme !== "never") section.refuse("add_prefix_space", `\`prepend_scheme\` is \`${scheme}\``);
  section.ignore("str_rep");
  const splits = section.boolean("split", true);
  return { replacement, scheme, splits };
}

function readMetaspace(section: Section): PreTokenizer {
  const { replacement, scheme, splits } = readMetaspaceMembers(section);
  const pattern = literalPattern(replacement);
  return (piece) => {
    const text = piece.text.replaceAll(" ", () => replacement);
    const head = text.length === piece.text.length ? piece.head : replacedHead(piece, replacement);
    const wants = scheme === "always" || (scheme === "first" && piece.head > 0);
    const whole =
      wants && !text.startsWith(replacement) ? withPrefix({ text, head }, replacement) : { text, head };
    return splits ? splitPiece(whole, pattern, "MergedWithNext") : [whole];
  };
}

/** The head of a piece whose blanks became longer: some characters take two UTF-16 units. */
const replacedHead = ({ text, head }: Piece, replacement: string): number =>
  text.slice(0, head).replaceAll(" ", () => replacement).length;
