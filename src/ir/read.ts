import type { FailedMatchResult, Node as Tree } from "ohm-js";
import { errorAt, isError, sortDiagnostics, type Diagnostic } from "../support/diagnostic.ts";
import { invariant } from "../support/invariant.ts";
import type { Source } from "../support/source.ts";
import type { Edge, Graph, Input, Node, Output, Parameter, State, SymbolDeclaration } from "./graph.ts";
import { textOf, wrong, type Context } from "./text/context.ts";
import { isFailure, matchLine } from "./text/grammar.ts";
import { readDeclaration, readEdge, readInput, readParameter, readState } from "./text/header.ts";
import { readNext, readNode, readOutput } from "./text/nodes.ts";

export interface ReadResult {
  /** The graph, if there is no error among the diagnostics. */
  readonly graph?: Graph;
  readonly diagnostics: readonly Diagnostic[];
}

/** Brackets nest this deep at most in a line: sizes and lists of a graph stay far below. */
const DEEPEST = 48;

/** After so many mistakes the rest of a text is not read. */
const MOST_MISTAKES = 100;

/**
 * Reads IR text, as `printGraph` writes it: one statement a line, `//` begins a comment on a line of its own. The types
 * of results may be left out; written types are checked. Values have no spans.
 *
 * Mistakes are E601 (a line that is no statement), E602 (a literal), E603 (a name given twice), E604 (a name that
 * stands for nothing), E605 (an argument), E606 (operands or types that do not fit) and E607 (the graph as a whole).
 */
export function readGraph(source: Source): ReadResult {
  const reader = new Reader(source);
  const { text } = source;
  for (let start = 0; start <= text.length && !reader.full;) {
    const end = text.indexOf("\n", start);
    const stop = end < 0 ? text.length : end;
    reader.line(start, text.slice(start, stop));
    start = stop + 1;
  }
  return reader.finish();
}

class Reader {
  readonly #context: Context;
  #name: string | undefined;
  #closed = false;
  readonly #symbols: (SymbolDeclaration | undefined)[] = [];
  readonly #inputs: (Input | undefined)[] = [];
  readonly #parameters: (Parameter | undefined)[] = [];
  readonly #states: (State | undefined)[] = [];
  readonly #edges: (Edge | undefined)[] = [];
  readonly #nodes: (Node | undefined)[] = [];
  readonly #outputs: (Output | undefined)[] = [];

  constructor(source: Source) {
    this.#context = { source, lineStart: 0, diagnostics: [], values: new Map(), symbols: new Set() };
  }

  get full(): boolean {
    return this.#context.diagnostics.length >= MOST_MISTAKES;
  }

  line(start: number, text: string): void {
    this.#context.lineStart = start;
    if (/^\s*(\/\/|$)/.test(text)) return;
    const deep = tooDeepAt(text);
    if (deep !== undefined) {
      this.#mistakeAt(deep, `brackets nest deeper than ${DEEPEST} here`);
      return;
    }
    const tree = matchLine(text);
    if (isFailure(tree)) this.#unreadable(tree, text);
    else if (this.#isInPlace(tree)) this.#statement(tree);
  }

  finish(): ReadResult {
    const { source, diagnostics } = this.#context;
    this.#context.lineStart = 0;
    if (!this.full && this.#name === undefined && diagnostics.length === 0)
      this.#mistakeAt(0, "the text has no `graph NAME {`");
    else if (!this.full && !this.#closed && this.#name !== undefined)
      this.#mistakeAt(source.text.length, "the graph is not closed: a `}` is missing");
    if (diagnostics.some(isError)) return { diagnostics: sortDiagnostics(diagnostics) };
    const graph: Graph = {
      name: this.#name ?? "",
      symbols: whole(this.#symbols),
      inputs: whole(this.#inputs),
      parameters: whole(this.#parameters),
      states: whole(this.#states),
      nodes: whole(this.#nodes),
      outputs: whole(this.#outputs),
      edges: whole(this.#edges),
    };
    return { graph, diagnostics: [] };
  }

  /** All statements but the first stand between `graph NAME {` and `}`. */
  #isInPlace(tree: Tree): boolean {
    const isFirst = tree.ctorName === "Graph";
    if (this.#closed) wrong(this.#context, "E607", tree, "nothing may stand after the graph");
    else if (isFirst && this.#name !== undefined)
      wrong(this.#context, "E607", tree, "a text holds one graph");
    else if (!isFirst && this.#name === undefined) {
      wrong(this.#context, "E607", tree, "the text must begin with `graph NAME {`");
      this.#name = "";
    } else return true;
    return false;
  }

  #statement(tree: Tree): void {
    const context = this.#context;
    switch (tree.ctorName) {
      case "Graph":
        this.#name = textOf(context, tree.child(1)) ?? "";
        break;
      case "Close":
        this.#closed = true;
        break;
      case "Dim":
        this.#symbols.push(readDeclaration(context, tree));
        break;
      case "Input":
        this.#inputs.push(readInput(context, tree));
        break;
      case "Parameter":
        this.#parameters.push(readParameter(context, tree));
        break;
      case "State":
        this.#states.push(readState(context, tree));
        break;
      case "Next": {
        const read = readNext(context, tree, this.#states);
        if (read !== undefined)
          this.#states[this.#states.indexOf(read.state)] = { ...read.state, next: read.next };
        break;
      }
      case "Edge":
        this.#edges.push(readEdge(context, tree, this.#edges.length));
        break;
      case "Node":
        this.#nodes.push(readNode(context, tree, this.#edges.length));
        break;
      case "Output":
        this.#outputs.push(readOutput(context, tree));
        break;
    }
  }

  #unreadable(failure: FailedMatchResult, text: string): void {
    const at = failure.getRightmostFailurePosition();
    const found = text.slice(at).trimStart();
    const shown = found === "" ? "the end of the line" : `\`${found.split(/\s/)[0]!.slice(0, 20)}\``;
    this.#mistakeAt(at, `cannot read this line beyond here: unexpected ${shown}`);
  }

  #mistakeAt(offset: number, message: string): void {
    const start = Math.min(this.#context.lineStart + offset, this.#context.source.text.length);
    const span = { source: this.#context.source, start, end: start + 1 };
    this.#context.diagnostics.push(errorAt("E601", span, message));
  }
}

/** What was read, where every part that could not be read has been reported. */
function whole<T>(parts: readonly (T | undefined)[]): T[] {
  return parts.map((part) => {
    invariant(part !== undefined, "a statement was left out without a word");
    return part;
  });
}

function tooDeepAt(text: string): number | undefined {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if ("([{".includes(character) && ++depth > DEEPEST) return i;
    if (")]}".includes(character)) depth--;
  }
  return undefined;
}
