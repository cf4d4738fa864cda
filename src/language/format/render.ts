import { append } from "../../support/lists.ts";
import { isList, type Doc } from "./doc.ts";

interface Command {
  readonly indent: number;
  readonly broken: boolean;
  readonly doc: Doc;
  /** Of a fill: how many of its docs are written. */
  readonly done?: number;
}

/** Writes a doc as text, no line of it longer than `width` where the doc lets it end one earlier. */
export function render(doc: Doc, width: number): string {
  return new Renderer(width).run(doc);
}

class Renderer {
  readonly #width: number;
  readonly #out: string[] = [];
  #column = 0;
  /** Comments that wait for the end of the line. */
  #suffixes: string[] = [];
  /** What is left to write, the next at the end. */
  readonly #stack: Command[] = [];

  constructor(width: number) {
    this.#width = width;
  }

  run(doc: Doc): string {
    this.#stack.push({ indent: 0, broken: true, doc });
    for (let command = this.#stack.pop(); command !== undefined; command = this.#stack.pop())
      this.#write(command);
    this.#endLine(0);
    const text = this.#out.join("").trim();
    return text === "" ? "" : `${text}\n`;
  }

  #write(command: Command): void {
    const { indent, broken, doc } = command;
    if (typeof doc === "string") this.#text(doc);
    else if (isList(doc)) pushAll(this.#stack, doc, indent, broken);
    else if (doc.kind === "line") {
      if (doc.hard || broken) this.#endLine(indent);
      else this.#text(doc.flat);
    } else if (doc.kind === "suffix") this.#suffixes.push(doc.text);
    else if (doc.kind === "choice") this.#text(broken ? doc.broken : doc.flat);
    else if (doc.kind === "nest") this.#stack.push({ indent: indent + doc.by, broken, doc: doc.doc });
    else if (doc.kind === "group") {
      const inner = { indent, broken: doc.broken, doc: doc.doc };
      this.#stack.push({ ...inner, broken: doc.broken || !this.#fits([inner], true) });
    } else this.#fill(command, doc.docs);
  }

  /** Writes one content of a fill or one separator; a separator ends the line if the content after it does not fit. */
  #fill(command: Command, docs: readonly Doc[]): void {
    const { indent, done = 0 } = command;
    const doc = docs[done];
    if (doc === undefined) return;
    this.#stack.push({ ...command, done: done + 1 });
    const next = docs[done + 1];
    const isSeparator = done % 2 === 1 && next !== undefined;
    const flat = (part: Doc): Command => ({ indent, broken: false, doc: part });
    const broken = command.broken && (!isSeparator || !this.#fits([flat(next), flat(doc)], false));
    this.#stack.push({ indent, broken, doc });
  }

  #text(text: string): void {
    if (text === "") return;
    this.#out.push(text);
    this.#column += text.length;
  }

  #endLine(indent: number): void {
    const last = this.#out.length - 1;
    if (last >= 0) this.#out[last] = this.#out[last]!.trimEnd();
    append(this.#out, [...this.#suffixes, "\n", " ".repeat(indent)]);
    this.#suffixes = [];
    this.#column = indent;
  }

  /** Whether commands, the next at the end, fit on the line; with `rest`, also what follows up to a possible end. */
  #fits(commands: Command[], rest: boolean): boolean {
    let left = this.#width - this.#column;
    let below = rest ? this.#stack.length : 0;
    while (left >= 0) {
      const command = commands.pop() ?? this.#stack[--below];
      if (command === undefined) return true;
      const { indent, broken, doc, done } = command;
      if (typeof doc === "string") left -= doc.length;
      else if (isList(doc)) pushAll(commands, doc, indent, broken);
      else if (doc.kind === "line") {
        if (doc.hard || broken) return true;
        left -= doc.flat.length;
      } else if (doc.kind === "choice") left -= (broken ? doc.broken : doc.flat).length;
      else if (doc.kind === "nest") commands.push({ indent, broken, doc: doc.doc });
      else if (doc.kind === "group") commands.push({ indent, broken: broken || doc.broken, doc: doc.doc });
      else if (doc.kind === "fill") pushAll(commands, start(doc.docs, done, this.#width), indent, broken);
    }
    return false;
  }
}

/** As many docs of a fill as can matter to a line: each content has a character at least. */
const start = (docs: readonly Doc[], done = 0, width: number): readonly Doc[] =>
  docs.slice(done, done + 2 * width);

function pushAll(stack: Command[], docs: readonly Doc[], indent: number, broken: boolean): void {
  for (let index = docs.length - 1; index >= 0; index--) stack.push({ indent, broken, doc: docs[index]! });
}
