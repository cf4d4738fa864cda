import type { Node, NodeOf, Value } from "../../../ir/graph.ts";
import { dominatorsOf, waysThrough } from "../../../ir/dominators.ts";
import { operandValues } from "../../../ir/node.ts";
import { numberOf } from "../../../passes/facts.ts";
import { numberText } from "./words.ts";
import { Expressions, type Scope } from "./expressions.ts";
import type { Forms } from "./forms.ts";
import { Unique } from "./labels.ts";

/** Lines of a text that belong together: one step of the stream, or a residual edge. */
export type Piece = readonly string[];

/** A part of a graph between two values, as lines that turn the stream from one into the other. */
export class Regions {
  readonly #forms: Forms;
  readonly #expressions: Expressions;
  edges = 0;

  constructor(forms: Forms, expressions: Expressions) {
    this.#forms = forms;
    this.#expressions = expressions;
  }

  /** The values that every way from one value to another goes through, in order; undefined if none leads there. */
  trunk(start: Value, end: Value): readonly Value[] | undefined {
    const before = this.#dominators(start, end);
    return start === end || before.has(end) ? waysThrough(end, before) : undefined;
  }

  /** Of what is made between two values. */
  #dominators(start: Value, end: Value): ReadonlyMap<Value, Value> {
    const last = this.#forms.producer(end);
    const first = this.#forms.producer(start);
    const from = first === undefined ? 0 : this.#forms.orderOf(first) + 1;
    const to = last === undefined ? -1 : this.#forms.orderOf(last);
    return dominatorsOf(start, this.#forms.graph.nodes.slice(from, to + 1));
  }

  /** One piece for each step of a trunk. */
  pieces(values: readonly Value[], scope: Scope): readonly Piece[] {
    const trunk = values.filter((value, at) => at === 0 || !this.#forms.isWithin(value));
    const pieces: Piece[] = [];
    let at = 0;
    let stream = scope.stream;
    while (at < trunk.length - 1) {
      const [from, to, next] = trunk.slice(at, at + 3);
      const here = { ...scope, stream };
      const edge = this.#edge(from!, to!, next, here);
      if (edge !== undefined) {
        pieces.push(edge.piece);
        at += edge.length;
      } else {
        this.#step(to!, here, pieces);
        at++;
      }
      stream = trunk[at]!;
      this.#tap(stream, trunk[at + 1], scope, pieces);
    }
    return pieces;
  }

  /** One step; a call that has no label goes on with the line before it. */
  #step(to: Value, scope: Scope, pieces: Piece[]): void {
    const { lines, text } = this.#expressions.written(to, scope);
    const [before] = pieces.slice(-1);
    const isCall = lines.length === 0 && /^[a-z_0-9]+(\(.*\))?$/.test(text) && !text.includes(" -> ");
    const goesOn = isCall && before !== undefined && isChain(before.at(-1)!);
    if (goesOn) pieces[pieces.length - 1] = [...before.slice(0, -1), `${before.at(-1)!} -> ${text}`];
    else pieces.push([...lines, text]);
  }

  /** A name for the stream where more reads it than what comes next. */
  #tap(stream: Value, next: Value | undefined, scope: Scope, pieces: Piece[]): void {
    const end = next === undefined ? undefined : this.#forms.producer(next);
    const isRead =
      (end !== undefined && this.#forms.isOutput(stream)) ||
      (end !== undefined &&
        this.#forms.users(stream).some((user) => this.#forms.orderOf(user) > this.#forms.orderOf(end)));
    if (!isRead || scope.names.has(stream)) return;
    const output = this.#forms.graph.outputs.find(({ value }) => value === stream);
    const name = scope.taken.take(
      output === undefined ? "state" : output.name.replace(/\W/g, "_").toLowerCase(),
    );
    scope.names.set(stream, name);
    pieces.push([`stream as ${name}`]);
  }

  /** y = post(u + out(f(pre(u)))), if that is what leads from u to y; a sum of which nothing inside is read elsewhere. */
  #edge(
    source: Value,
    sum: Value,
    next: Value | undefined,
    scope: Scope,
  ): { readonly piece: Piece; readonly length: number } | undefined {
    const add = this.#forms.producer(sum);
    if (scope.stream === undefined || add?.op !== "add" || add.operands.x === add.operands.y)
      return undefined;
    const { x, y } = add.operands;
    const skip = this.#gainOf(x, source) ?? this.#gainOf(y, source);
    if (skip === undefined) return undefined;
    const branch = this.#gainOf(x, source) === undefined ? x : y;
    const trunk = this.trunk(source, branch);
    if (trunk === undefined || !this.#isClosed(trunk, add)) return undefined;
    const after = next === undefined ? undefined : this.#forms.producer(next);
    const isAfter = isNorm(after) && after.operands.x === sum && this.#forms.uses(sum) === 1;
    this.edges++;
    const { clauses, body } = this.#branch(trunk, scope);
    // A norm behind the last of many edges that begin with one is the model's own.
    const post = isAfter && !clauses.some((each) => each.startsWith("pre ")) ? after : undefined;
    const posts = post === undefined ? [] : [`post ${this.#callOf(post)}`];
    const skips = skip === 1 ? [] : [`skip ${numberText(skip)}`];
    const head = [...skips, ...clauses, ...posts].join(", ");
    return {
      piece: [`residual ${head}${head === "" ? "" : " "}{`, ...body, "}"],
      length: post === undefined ? 1 : 2,
    };
  }

  /** What multiplies the source on its way to a sum: 1, or a number. */
  #gainOf(value: Value, source: Value): number | undefined {
    if (value === source) return 1;
    const node = this.#forms.producer(value);
    if (node?.op !== "mul" || node.operands.x !== source || this.#forms.uses(value) !== 1) return undefined;
    return numberOf(this.#forms.producer(node.operands.y));
  }

  /** A norm at the beginning of a branch is the edge's, and so is one at its end. */
  #branch(
    trunk: readonly Value[],
    scope: Scope,
  ): { readonly clauses: readonly string[]; readonly body: readonly string[] } {
    const inner = { ...scope, names: new Map(scope.names), taken: new Unique(scope.names.values()) };
    const [source, ...steps] = trunk;
    const first = this.#forms.producer(steps[0]!);
    const readers = this.#forms.users(source!).filter((user) => this.#isBetween(user, steps.at(-1)!));
    const isPre = isNorm(first) && steps.length > 1 && readers.length === 1 && readers[0] === first;
    const begun = isPre ? steps : trunk;
    const last = this.#forms.producer(begun.at(-1)!);
    const isOut = isNorm(last) && begun.length > 2 && last.operands.x === begun.at(-2);
    const path = isOut ? begun.slice(0, -1) : begun;
    const pieces = this.pieces(path, { ...inner, stream: path[0] });
    const clauses = [
      ...(isPre ? [`pre ${this.#callOf(first)}`] : []),
      ...(isOut ? [`out ${this.#callOf(last)}`] : []),
    ];
    return { clauses, body: pieces.flat() };
  }

  #isBetween(node: Node, end: Value): boolean {
    const last = this.#forms.producer(end);
    return last !== undefined && this.#forms.orderOf(node) <= this.#forms.orderOf(last);
  }

  #callOf(node: Node): string {
    const form = this.#forms.form(node);
    return form.kind === "step" ? form.call : "";
  }

  /** Whether all that is made of the source on the way to the branch's end is read there alone. */
  #isClosed(trunk: readonly Value[], add: NodeOf<"add">): boolean {
    const [source] = trunk;
    const end = trunk.at(-1)!;
    const made = this.#dominators(source!, end);
    const inside = new Set([...made.keys()].filter((value) => this.#leadsTo(value, end, made)));
    return [...inside].every(
      (value) =>
        !this.#forms.isOutput(value) &&
        this.#forms
          .users(value)
          .every((user) => user === add || user.results.some((each) => inside.has(each))),
    );
  }

  #leadsTo(value: Value, end: Value, made: ReadonlyMap<Value, Value>): boolean {
    return value === end || this.#ancestors(end, made).has(value);
  }

  readonly #known = new Map<Value, ReadonlySet<Value>>();

  /** The values that a value is made of, among some. */
  #ancestors(end: Value, made: ReadonlyMap<Value, Value>): ReadonlySet<Value> {
    const known = this.#known.get(end);
    if (known !== undefined) return known;
    const found = new Set<Value>();
    const left = [end];
    while (left.length > 0) {
      const node = this.#forms.producer(left.pop()!);
      for (const value of node === undefined ? [] : operandValues(node))
        if (made.has(value) && !found.has(value)) {
          found.add(value);
          left.push(value);
        }
    }
    this.#known.set(end, found);
    return found;
  }
}

/** A line that turns the stream, and no statement of another kind. */
const isChain = (line: string): boolean =>
  !line.startsWith("stream as ") && !line.startsWith("residual ") && line !== "}";

type Norm = NodeOf<"layer_norm"> | NodeOf<"rms_norm"> | NodeOf<"batch_norm">;

const isNorm = (node: Node | undefined): node is Norm =>
  node?.op === "layer_norm" || node?.op === "rms_norm" || node?.op === "batch_norm";
