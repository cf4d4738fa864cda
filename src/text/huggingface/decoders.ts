import { byteOf } from "../byte-level.ts";
import { readPattern } from "./read-pattern.ts";
import { replaceMatches } from "./pieces.ts";
import { readMetaspaceMembers } from "./pre-tokenizers.ts";
import { readKind, type Kinds, type Section } from "./section.ts";

/** What makes texts of tokens; joined, they are the text. */
export type Decoder = (tokens: readonly string[]) => readonly string[];

export const readDecoder = (section: Section): Decoder => readKind(section, DECODERS);

/** As the structures of this name in `tokenizers::decoders`. */
const DECODERS: Kinds<Decoder> = {
  BPEDecoder: (section) => {
    const suffix = section.string("suffix");
    return (tokens) =>
      tokens.map((token, at) => token.replaceAll(suffix, at === tokens.length - 1 ? "" : " "));
  },
  ByteFallback: () => byteFallback,
  ByteLevel: (section) => {
    section.ignore("add_prefix_space", "trim_offsets", "use_regex");
    return byteLevel;
  },
  CTC: readCtc,
  Fuse: () => (tokens) => [tokens.join("")],
  Metaspace: (section) => {
    const { replacement, scheme } = readMetaspaceMembers(section);
    const first = scheme === "never" ? " " : "";
    return (tokens) => tokens.map((token, at) => token.replaceAll(replacement, at === 0 ? first : " "));
  },
  Replace: (section) => {
    const pattern = readPattern(section);
    const content = section.string("content");
    return (tokens) => tokens.map((token) => replaceMatches(token, pattern, content));
  },
  Sequence: (section) => {
    const parts = section.sections("decoders").map(readDecoder);
    return (tokens) => parts.reduce<readonly string[]>((texts, part) => part(texts), tokens);
  },
  Strip: readStrip,
  WordPiece: (section) => {
    const prefix = section.string("prefix");
    const cleans = section.boolean("cleanup");
    return (tokens) =>
      tokens.map((token, at) => {
        const spaced = at === 0 ? token : token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
        return cleans ? cleanUp(spaced) : spaced;
      });
  },
};

/** Tokens in the alphabet of bytes as UTF-8; one that has other characters stands for itself. */
function byteLevel(tokens: readonly string[]): readonly string[] {
  const utf8 = new TextEncoder();
  const bytes: number[] = [];
  for (const token of tokens) {
    const inAlphabet = Array.from(token, byteOf);
    const isWritten = inAlphabet.every((byte) => byte !== undefined);
    for (const byte of isWritten ? inAlphabet : utf8.encode(token)) bytes.push(byte);
  }
  return [new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes))];
}

const BYTE = /^<0x([0-9A-Fa-f+][0-9A-Fa-f])>$/;

/** Runs of `<0x00>` as UTF-8; a run that is none, as one U+FFFD a byte. */
function byteFallback(tokens: readonly string[]): readonly string[] {
  const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const texts: string[] = [];
  let run: number[] = [];
  const endRun = (): void => {
    try {
      texts.push(utf8.decode(Uint8Array.from(run)));
    } catch {
      texts.push("\ufffd".repeat(run.length));
    }
    run = [];
  };
  for (const token of tokens) {
    const byte = BYTE.exec(token)?.[1];
    if (byte !== undefined) run.push(parseInt(byte, 16));
    else {
      if (run.length > 0) endRun();
      texts.push(token);
    }
  }
  if (run.length > 0) endRun();
  return texts;
}

function readCtc(section: Section): Decoder {
  const padding = section.string("pad_token");
  const delimiter = section.string("word_delimiter_token");
  const cleans = section.boolean("cleanup");
  return (tokens) =>
    tokens
      .filter((token, at) => token !== tokens[at - 1])
      .map((token) => {
        const text = token.replaceAll(padding, "");
        return cleans ? cleanUp(text).replaceAll(delimiter, " ") : text;
      });
}

/** Takes a character off both ends of each token, at most `start` and `stop` times. */
function readStrip(section: Section): Decoder {
  const content = section.character("content");
  const [start, stop] = [section.count("start"), section.count("stop")];
  return (tokens) =>
    tokens.map((token) => {
      const characters = Array.from(token);
      let first = 0;
      while (first < Math.min(start, characters.length) && characters[first] === content) first++;
      let end = characters.length;
      while (end > first && characters.length - end < stop && characters[end - 1] === content) end--;
      return characters.slice(first, end).join("");
    });
}

/**
 * Without the blanks that cutting at punctuation left (`decoders::wordpiece::cleanup`); transformers, which does the same
 * to decoded texts, contracts nothing.
 */
export const cleanUp = (text: string, contracts = true): string =>
  [
    [" .", "."],
    [" ?", "?"],
    [" !", "!"],
    [" ,", ","],
    [" ' ", "'"],
    [" n't", "n't"],
    [" 'm", "'m"],
    ...(contracts ? [[" do not", " don't"]] : []),
    [" 's", "'s"],
    [" 've", "'ve"],
    [" 're", "'re"],
  ].reduce((cleaned, [found, spelling]) => cleaned.replaceAll(found!, spelling!), text);
