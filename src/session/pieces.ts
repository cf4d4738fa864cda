/** What text is made of, as far as a text that is generated needs it. */
export interface TextDecoding {
  /** The text of ids; special tokens have none. */
  readonly decode: (ids: readonly number[]) => string;
}

/** Tokens that are spelt together, so that words begin as they do behind others; at most as many again. */
const CONTEXT = 32;

/**
 * The text of tokens that come one by one, in whole characters. How a token is spelt may depend on those before it, so that
 * some of them are spelt again each time.
 */
export class TextPieces {
  readonly #tokenizer: TextDecoding;
  readonly #tokens: number[];
  /** Where the tokens begin that are spelt together, and the text of those of them that was given. */
  #start: number;
  #given: string;

  /** The pieces are what comes behind a prompt. */
  constructor(tokenizer: TextDecoding, prompt: readonly number[]) {
    this.#tokenizer = tokenizer;
    this.#start = 0;
    this.#tokens = prompt.slice(-CONTEXT);
    const text = tokenizer.decode(this.#tokens);
    this.#given = withoutPartial(text);
  }

  /** What a token adds to the text; nothing, while the bytes of a character are not all there. */
  add(id: number): string {
    this.#tokens.push(id);
    const text = this.#text();
    if (text.endsWith("\ufffd")) return "";
    const piece = this.#goOnTo(text);
    if (this.#tokens.length - this.#start >= 2 * CONTEXT) {
      this.#start = this.#tokens.length - CONTEXT;
      this.#given = this.#text();
    }
    return piece;
  }

  /** What was held back: no more bytes will come. */
  end(): string {
    return this.#goOnTo(this.#text());
  }

  #text(): string {
    return this.#tokenizer.decode(this.#tokens.slice(this.#start));
  }

  /** A later token may change how those before it are spelt; what was given stays. */
  #goOnTo(text: string): string {
    let same = 0;
    while (same < this.#given.length && this.#given[same] === text[same]) same++;
    this.#given = text;
    return text.slice(same);
  }
}

/** A text up to a character whose bytes are not all there. */
export const withoutPartial = (text: string): string => text.replace(/\ufffd+$/, "");

/** Ends a text at the first of some stop texts, and holds back what may become one. */
export class StopTexts {
  readonly #stops: readonly string[];
  #held = "";
  /** Whether one has come: the text is over. */
  isReached = false;

  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop !== "");
  }

  /** What of the text is sure, after one more piece of it. */
  add(piece: string): string {
    const text = this.#held + piece;
    const found = this.#stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
    if (found.length > 0) {
      this.isReached = true;
      this.#held = "";
      return text.slice(
        0,
        found.reduce((first, at) => Math.min(first, at)),
      );
    }
    const held = this.#stops.reduce((most, stop) => Math.max(most, beginningAtEnd(text, stop)), 0);
    this.#held = text.slice(text.length - held);
    return text.slice(0, text.length - held);
  }

  /** What was held back: no more will come. */
  end(): string {
    const text = this.#held;
    this.#held = "";
    return text;
  }
}

/** How much of a stop text a text ends with. */
function beginningAtEnd(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--)
    if (text.endsWith(stop.slice(0, length))) return length;
  return 0;
}
