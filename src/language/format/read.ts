import { append } from "../../support/lists.ts";
import { tokenize, type Token } from "../tokens.ts";

/** A comment; `own` if it stands on a line of its own. */
export interface CommentPart {
  readonly kind: "comment";
  readonly text: string;
  readonly own: boolean;
}

/** A token of a statement: line ends and comments are read apart. */
export interface CodeToken {
  readonly kind: "word" | "number" | "text" | "symbol";
  readonly text: string;
}

/** Parentheses or square brackets, and what stands between the commas in them. */
export interface BracketPart {
  readonly kind: "bracket";
  readonly open: string;
  readonly close: string;
  readonly items: readonly (readonly Part[])[];
}

/** The body of a statement. */
export interface BodyPart {
  readonly kind: "body";
  /** True if the writer put all of it on one line. */
  readonly oneLine: boolean;
  /** A comment behind the `{`. */
  readonly comment: CommentPart | undefined;
  readonly items: readonly Item[];
}

export type Part = CodeToken | CommentPart | BracketPart | BodyPart;

export type Statement = readonly Part[];

/** What stands on lines of its own. */
export type Item =
  | { readonly kind: "blank" }
  | { readonly kind: "note"; readonly text: string }
  | {
      readonly kind: "line";
      readonly statements: readonly Statement[];
      readonly comment: CommentPart | undefined;
    };

/** Reads a text that parses into statements, brackets and bodies; `laidOut` says which line ends end a statement. */
export function readItems(text: string, laidOut: string): readonly Item[] {
  return new Reader(text, laidOut).items();
}

class Reader {
  readonly #tokens: readonly Token[];
  readonly #laidOut: string;
  #at = 0;

  constructor(text: string, laidOut: string) {
    this.#tokens = tokenize(text);
    this.#laidOut = laidOut;
  }

  /** The lines up to the `}` of a body, or to the end of the file. */
  items(): readonly Item[] {
    const items: Item[] = [];
    for (let token = this.#peek(); token !== undefined && token.text !== "}"; token = this.#peek()) {
      if (token.kind === "newline") this.#blankLines(items);
      else if (token.kind === "comment") items.push({ kind: "note", text: this.#take().text.trimEnd() });
      else append(items, this.#line());
    }
    if (items.at(-1)?.kind === "blank") items.pop();
    return items;
  }

  /** Two line ends in a row are one blank line, and so are more; none stands at the start of a body. */
  #blankLines(items: Item[]): void {
    let count = 0;
    for (; this.#peek()?.kind === "newline"; this.#at++) count++;
    const needed = items.length === 0 ? Infinity : 2;
    if (count >= needed && items.at(-1)?.kind !== "blank") items.push({ kind: "blank" });
  }

  /** Statements with `;` between them, and the comment behind them; nothing for a `;` alone. */
  #line(): Item[] {
    const statements: Statement[] = [];
    for (let token = this.#peek(); token !== undefined && token.text !== "}"; token = this.#peek()) {
      if (token.kind === "comment" || token.kind === "newline") break;
      if (token.text === ";") this.#at++;
      else statements.push(this.#statement());
    }
    const comment = this.#comment(false);
    if (statements.length > 0) return [{ kind: "line", statements, comment }];
    return comment === undefined ? [] : [{ kind: "note", text: comment.text }];
  }

  #statement(): Statement {
    const parts: Part[] = [];
    let own = false;
    for (let token = this.#peek(); token !== undefined && !this.#endsStatement(token); token = this.#peek()) {
      if (token.kind === "newline") {
        this.#at++;
        own = true;
        continue;
      }
      parts.push(token.kind === "comment" ? this.#comment(own)! : this.#part());
      own = false;
    }
    return parts;
  }

  #endsStatement(token: Token): boolean {
    if (token.text === ";" || token.text === "}") return true;
    const last = token.kind === "comment" ? this.#tokens[this.#at + 1] : token;
    return last === undefined || (last.kind === "newline" && this.#laidOut[last.start] === "\n");
  }

  /** One token, or all that brackets hold. */
  #part(): Part {
    const token = this.#take();
    const { text } = token;
    if (token.kind !== "symbol")
      return { kind: token.kind === "text" || token.kind === "number" ? token.kind : "word", text };
    if (text === "{") return this.#body(token);
    if (text !== "(" && text !== "[") return { kind: "symbol", text };
    const close = text === "(" ? ")" : "]";
    return { kind: "bracket", open: text, close, items: this.#bracketItems(close) };
  }

  #bracketItems(close: string): readonly (readonly Part[])[] {
    const items: Part[][] = [[]];
    let own = false;
    for (let token = this.#peek(); token !== undefined && token.text !== close; token = this.#peek()) {
      if (token.kind === "newline" || token.text === ",") this.#at++;
      if (token.kind === "newline") own = true;
      else if (token.text === ",") {
        // Comments before a comma go behind it: a comma cannot follow them on their line.
        const item = items.at(-1)!;
        const end = item.findLastIndex((part) => part.kind !== "comment") + 1;
        items.push(item.splice(end));
      } else {
        items.at(-1)!.push(token.kind === "comment" ? this.#comment(own)! : this.#part());
        own = false;
      }
    }
    this.#at++;
    return items;
  }

  #body(open: Token): BodyPart {
    const comment = this.#comment(false);
    const items = this.items();
    const close = this.#take();
    const oneLine = !this.#laidOut.slice(open.start, close.start).includes("\n") && comment === undefined;
    return { kind: "body", oneLine: oneLine && items.every((item) => item.kind === "line"), comment, items };
  }

  /** The comment that comes next, if one does. */
  #comment(own: boolean): CommentPart | undefined {
    if (this.#peek()?.kind !== "comment") return undefined;
    return { kind: "comment", text: this.#take().text.trimEnd(), own };
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#at];
  }

  #take(): Token {
    return this.#tokens[this.#at++]!;
  }
}
