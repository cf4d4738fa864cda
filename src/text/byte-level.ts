/**
 * GPT-2's alphabet (Radford et al. 2019, `bytes_to_unicode` of its encoder.py): every byte as one visible character, so
 * that tokens of any bytes can be written as text. Bytes that are visible in Latin-1 stand for themselves, the others
 * are numbered from U+0100.
 */
const characterOfByte: readonly string[] = (() => {
  let next = 0x100;
  const isVisible = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isVisible(byte) ? byte : next++));
})();

const byteOfCharacter: ReadonlyMap<string, number> = new Map(
  characterOfByte.map((character, byte) => [character, byte]),
);

/** The 256 tokens that every vocabulary begins with, by code point, as Hugging Face's trainer numbers them. */
export const byteTokens: readonly string[] = characterOfByte.toSorted();

const utf8 = new TextEncoder();

/** How a vocabulary writes the bytes of a text in UTF-8; `idOf` gives the id of each character of the alphabet. */
export function byteEncoder(idOf: (character: string) => number): (text: string) => number[] {
  const idOfByte = characterOfByte.map(idOf);
  return (text) => Array.from(utf8.encode(text), (byte) => idOfByte[byte]!);
}

/** The bytes of a text in UTF-8, written in the alphabet. */
export const byteText = (text: string): string =>
  Array.from(utf8.encode(text), (byte) => characterOfByte[byte]!).join("");

/** The byte that a character of the alphabet stands for. */
export const byteOf = (character: string): number | undefined => byteOfCharacter.get(character);

/** The text of tokens that are written in the alphabet; bytes that are no UTF-8 become U+FFFD. */
export function textOfTokens(tokens: readonly string[]): string {
  const bytes = Array.from(tokens.join(""), (character) => byteOfCharacter.get(character) ?? 0);
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes));
}

/**
 * GPT-2's cut of a text into words, which no token crosses: contractions, letters, digits or other signs with the blank
 * before them, and blanks. White space is Unicode's, as in Hugging Face's library; JavaScript's `\s` differs in two
 * characters.
 */
const WORD =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/** The words of a text; joined they are the text again. */
export function* wordsOf(text: string): Iterable<string> {
  for (const [word] of text.matchAll(WORD)) yield word;
}
