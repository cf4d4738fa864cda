/**
 * Classes of characters of Oniguruma 6.9 with UTF-8, in the notation of JavaScript's `v` flag, as the inside of brackets.
 * Compared with Hugging Face's `tokenizers` over all code points; those that Unicode 17 added are taken as JavaScript
 * takes them.
 */

const WORD = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}";

/** `\w` outside of brackets also takes what ISO 8859-1 counts as a word; inside it does not. */
export const LONE_WORD = `${WORD}\\u00b2\\u00b3\\u00b9\\u00bc-\\u00be`;

/** Escapes that stand for a class, by their letter. */
export const CLASS_ESCAPES: Readonly<Record<string, string>> = {
  d: "\\p{Nd}",
  s: "\\p{White_Space}",
  w: WORD,
  h: "0-9A-Fa-f",
};

/** `[:name:]`, and but for `punct` `\p{name}` too. */
export const POSIX: Readonly<Record<string, string>> = {
  alnum: "\\p{Alphabetic}\\p{Nd}",
  alpha: "\\p{Alphabetic}",
  ascii: "\\u0000-\\u007f",
  blank: "\\t\\p{Zs}",
  cntrl: "\\p{Cc}",
  digit: "\\p{Nd}",
  lower: "\\p{Lowercase}",
  punct: "\\p{P}\\p{S}",
  space: "\\p{White_Space}",
  upper: "\\p{Uppercase}",
  word: WORD,
  xdigit: "0-9A-Fa-f",
};

/** Oniguruma's spelling of a property: case, blanks, `_` and `-` do not matter. */
const normalName = (name: string): string => name.toLowerCase().replace(/[ _-]/g, "");

const CATEGORIES =
  "L LC Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z Zs Zl Zp C Cc Cf Co Cn " +
  "Letter Cased_Letter Uppercase_Letter Lowercase_Letter Titlecase_Letter Modifier_Letter Other_Letter Mark " +
  "Nonspacing_Mark Spacing_Mark Enclosing_Mark Number Decimal_Number Letter_Number Other_Number Punctuation " +
  "Connector_Punctuation Dash_Punctuation Open_Punctuation Close_Punctuation Initial_Punctuation Final_Punctuation " +
  "Other_Punctuation Symbol Math_Symbol Currency_Symbol Modifier_Symbol Other_Symbol Separator Space_Separator " +
  "Line_Separator Paragraph_Separator Control Format Private_Use Unassigned " +
  "Alphabetic Uppercase Lowercase White_Space Math Ideographic Emoji Extended_Pictographic Any Assigned";

const SCRIPTS =
  "Adlam Arabic Armenian Balinese Bengali Bopomofo Braille Buginese Canadian_Aboriginal Cherokee Common Coptic Cuneiform " +
  "Cyrillic Deseret Devanagari Egyptian_Hieroglyphs Ethiopic Georgian Glagolitic Gothic Greek Gujarati Gurmukhi Han " +
  "Hangul Hebrew Hiragana Inherited Javanese Kannada Katakana Khmer Lao Latin Limbu Malayalam Mongolian Myanmar Nko " +
  "Ogham Ol_Chiki Oriya Runic Samaritan Sinhala Sundanese Syriac Tagalog Tai_Le Tamil Telugu Thaana Thai Tibetan " +
  "Tifinagh Vai Yi";

const PROPERTIES: ReadonlyMap<string, string> = new Map([
  ...CATEGORIES.split(" ").map((name) => [normalName(name), `\\p{${name}}`] as const),
  ...SCRIPTS.split(" ").map((name) => [normalName(name), `\\p{Script=${name}}`] as const),
  ...Object.entries(POSIX),
  ["punct", "\\p{P}"],
]);

/** The inside of brackets for `\p{name}`; undefined for a name that is not known. */
export const propertyClass = (name: string): string | undefined => PROPERTIES.get(normalName(name));
