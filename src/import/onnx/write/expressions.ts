import { append } from "../../../support/lists.ts";
import type { Node, Value } from "../../../ir/graph.ts";
import { showShape } from "../../../tensor/type.ts";
import { reservedWords } from "../../../language/words.ts";
import type { Form } from "./words.ts";
import type { Forms } from "./forms.ts";
import { Unique } from "./labels.ts";

/** A value as text: a name or number, an expression of operators, or a chain of calls. */
interface Text {
  readonly text: string;
  readonly level: "atom" | "infix" | "chain";
}

/** Characters of a line that still reads well; what is longer gets a name. */
const LONG = 100;

/** Characters of an operand of attention beside the others. */
const SHORT = 24;

/** The names that are seen at a place of a text, and what the stream is there. */
export interface Scope {
  readonly names: Map<Value, string>;
  readonly taken: Unique;
  readonly stream: Value | undefined;
}

/** Writes values as expressions, each that is read several times by a name. */
export class Expressions {
  readonly #forms: Forms;

  constructor(forms: Forms) {
    this.#forms = forms;
  }

  /** Lines that name what a value needs, and the value itself, as the last of a chain that begins with the stream or a value. */
  written(value: Value, scope: Scope): { readonly lines: readonly string[]; readonly text: string } {
    const lines = this.#bindings(value, scope, true);
    return { lines, text: streamed(this.#text(value, scope)) };
  }

  /** The same by a name. */
  bound(value: Value, scope: Scope): readonly string[] {
    if (scope.names.has(value)) return [];
    return this.#bindings(value, scope, false);
  }

  /** A line for each value that is read several times, or long, in the order in which they are made. */
  #bindings(value: Value, scope: Scope, isLast: boolean): readonly string[] {
    const lines: string[] = [];
    for (const node of this.#needed(value, scope)) {
      const [result] = node.results;
      if (isLast && result === value) continue;
      const split = this.#forms.splitOf(result!);
      if (split !== undefined) {
        if (scope.names.has(result!)) continue;
        const text = streamed(this.#text(split.x, scope));
        const names = split.parts.map((part) => this.#take(part, scope));
        lines.push(`(${names.join(", ")}) = ${text} -> ${split.call}`);
      } else if (node.results.length > 1) {
        const text = streamed(this.#ofForm(this.#forms.form(node), scope));
        lines.push(`(${node.results.map((each) => this.#take(each, scope)).join(", ")}) = ${text}`);
      } else if (result === value || this.#isNamed(result!, scope)) {
        const { text } = { text: streamed(this.#text(result!, scope)) };
        lines.push(`${this.#take(result!, scope)} = ${text}`);
      }
    }
    return lines;
  }

  /** What is read several times, what is long, and queries, keys and values of more than a word. */
  #isNamed(value: Value, scope: Scope): boolean {
    const node = this.#forms.producer(value)!;
    if (node.op === "full" || this.#forms.isWithin(value)) return false;
    if (this.#forms.uses(value) > 1) return true;
    const { length } = this.#text(value, scope).text;
    const [user] = this.#forms.users(value);
    return length > LONG || (user?.op === "attend" && length > SHORT);
  }

  /** Nodes that a value is made of since the stream and what has a name, in their order; parameters that are values are none. */
  #needed(value: Value, scope: Scope): readonly Node[] {
    const found = new Set<Node>();
    const left = [value];
    while (left.length > 0) {
      const next = left.pop()!;
      if ((next === scope.stream && next !== value) || scope.names.has(next)) continue;
      const split = this.#forms.splitOf(next);
      const node = this.#forms.producer(next);
      if (node === undefined || found.has(node)) continue;
      found.add(node);
      append(left, split === undefined ? operandsOf(this.#forms.form(node)) : [split.x]);
    }
    return [...found].toSorted((a, b) => this.#forms.orderOf(a) - this.#forms.orderOf(b));
  }

  /** A name for a value, by the last part of its layer's label. */
  #take(value: Value, scope: Scope): string {
    const node = this.#forms.producer(value)!;
    const label =
      this.#forms.partOf(value) ?? this.#forms.labels.owners.get(node)?.label ?? this.#chainLabel(node);
    const name = scope.taken.take(valueName(label.split(".").at(-1)!));
    scope.names.set(value, name);
    return name;
  }

  /** The label of the nearest layer in front of a node, or its op. */
  #chainLabel(node: Node): string {
    let at: Node | undefined = node;
    for (let steps = 0; at !== undefined && steps < 4; steps++) {
      const owner = this.#forms.labels.owners.get(at);
      if (owner !== undefined) return owner.label;
      const of: readonly Value[] = operandsOf(this.#forms.form(at));
      at =
        of.length === 1 && this.#forms.splitOf(of[0]!) === undefined
          ? this.#forms.producer(of[0]!)
          : undefined;
    }
    return wordsOf[node.op] ?? node.op;
  }

  #text(value: Value, scope: Scope): Text {
    if (value === scope.stream) return { text: "stream", level: "atom" };
    const name = scope.names.get(value);
    if (name !== undefined) return { text: name, level: "atom" };
    const label = this.#forms.labels.free.get(value);
    if (label !== undefined)
      return { text: `${label}: parameter(${showShape(value.type.shape)})`, level: "chain" };
    return this.#ofForm(this.#forms.form(this.#forms.producer(value)!), scope);
  }

  #ofForm(form: Form, scope: Scope): Text {
    if (form.kind === "source") return { text: form.text, level: "chain" };
    if (form.kind === "atom") return { text: form.text, level: form.text.startsWith("-") ? "infix" : "atom" };
    const parts = form.of.map((each) => this.#text(each, scope));
    if (form.kind === "not") return { text: `not ${grouped(parts[0]!)}`, level: "infix" };
    if (form.kind === "infix")
      return { text: `${grouped(parts[0]!)} ${form.operator} ${grouped(parts[1]!)}`, level: "infix" };
    const [only] = parts;
    const head =
      parts.length > 1
        ? `(${parts.map(({ text }) => text).join(", ")})`
        : only!.level === "infix"
          ? grouped(only!)
          : only!.text;
    return { text: `${head} -> ${form.call}`, level: "chain" };
  }
}

const operandsOf = (form: Form): readonly Value[] => ("of" in form ? form.of : []);

const grouped = ({ text, level }: Text): string => (level === "atom" ? text : `(${text})`);

/** What a value is called that no layer names. */
const wordsOf: Readonly<Record<string, string>> = {
  add: "sum",
  and: "mask",
  concat: "joined",
  iota: "places",
  le: "mask",
  matmul: "product",
  mul: "scaled",
  permute: "turned",
  reshape: "view",
  slice: "part",
  sub: "difference",
  where: "chosen",
};

/** A chain begins with the stream without saying so. */
const streamed = ({ text }: Text): string =>
  text.startsWith("stream -> ") ? text.slice("stream -> ".length) : text;

/** A name that a value may have, of any text. */
export function valueName(wish: string): string {
  const plain = wish.replace(/\W+/g, "_").replace(/^(?![A-Za-z_])/, "_");
  const name = plain[0]!.toLowerCase() + plain.slice(1);
  return reservedWords.has(name) ? `${name}_` : name;
}
