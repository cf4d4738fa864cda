import type {
  Edge,
  EdgePart,
  Graph,
  Initializer,
  Input,
  Iteration,
  Node,
  NodeOf,
  Output,
  Parameter,
  PartialGraph,
  SymbolDeclaration,
  Value,
} from "../../ir/graph.ts";
import { makeValue, operandValues, tryMakeNode, type GivenAttributes } from "../../ir/node.ts";
import { isStack } from "../../ir/stacks.ts";
import { Mismatch } from "../../ops/define.ts";
import type { OpName, OperandsOf } from "../../ops/table.ts";
import { invariant } from "../../support/invariant.ts";
import type { Span } from "../../support/source.ts";
import { partName } from "../../tensor/stack-names.ts";
import type { TensorType } from "../../tensor/type.ts";
import type { Budget } from "./budget.ts";

/** Where a node comes from, as far as the lowering knows it at that point. */
export interface Place {
  readonly span: Span;
  /** The calls around it, innermost first. */
  readonly calls: readonly Span[];
  readonly label: string;
}

/** How much of a graph there was at some point. */
export interface Mark {
  readonly nodes: number;
  readonly parameters: number;
}

/** Gathers the parts of a graph in the order in which they are lowered. */
export class Builder {
  readonly symbols = new Map<string, SymbolDeclaration>();
  readonly inputs: Input[] = [];
  readonly nodes: Node[] = [];
  readonly parameters: Parameter[] = [];
  readonly edges: (Edge | undefined)[] = [];
  /** What the model's own body names by `as NAME`, with the labels of the repeats around it. */
  readonly taps: { readonly name: string; readonly value: Value }[] = [];
  /** The repeats around the current place, outermost first. */
  iterations: readonly Iteration[] = [];
  /** The part of a residual edge that is being lowered. */
  part: EdgePart | undefined;
  readonly #parameterIndex = new Map<string, number>();
  readonly #edgeCounts = new Map<string, number>();
  readonly #madeAt = new Map<Value, Span>();
  readonly #filled = new Map<Value, number>();
  readonly #read = new Set<Value>();
  readonly #budget: Budget;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** Adds the node and returns it, or says why it cannot be. */
  emit<K extends OpName>(
    op: K,
    operands: OperandsOf<K, Value>,
    attrs: GivenAttributes<K>,
    place: Place,
  ): NodeOf<K> | Mismatch {
    const node = tryMakeNode(op, operands, attrs, {
      spans: [place.span, ...place.calls],
      label: place.label,
      scope: this.iterations,
      edges: this.part === undefined ? [] : [this.part],
      fused: [],
    });
    if (node instanceof Mismatch) return node;
    this.#budget.spend("values", node.results.length, place.span, place);
    this.nodes.push(node as Node);
    for (const value of operandValues(node as Node)) this.#read.add(value);
    for (const value of node.results) this.#madeAt.set(value, place.span);
    if (op === "full") this.#filled.set(node.results[0]!, (attrs as GivenAttributes<"full">).value!);
    return node;
  }

  addInput(name: string, type: TensorType, fill: number | undefined, span: Span): Value {
    const value = makeValue(type, name);
    this.inputs.push({ name, value, fill, span });
    this.#madeAt.set(value, span);
    return value;
  }

  /**
   * The parameter of that full name and its number in the graph, if it was made before; one that is a part of it, or that it is a
   * part of, takes its name as well.
   */
  findParameter(name: string): { readonly parameter: Parameter; readonly index: number } | undefined {
    const index = this.#parameterIndex.get(name) ?? this.#stackedIndex(name);
    return index === undefined ? undefined : { parameter: this.parameters[index]!, index };
  }

  #stackedIndex(name: string): number | undefined {
    if (isStack(name)) return this.#parameterIndex.get(partName(name, 0));
    for (const { index, 0: number } of name.matchAll(/(?<=^|\.)\d+(?=\.|$)/g)) {
      const stack = this.#parameterIndex.get(`${name.slice(0, index)}*${name.slice(index + number.length)}`);
      if (stack !== undefined) return stack;
    }
    return undefined;
  }

  addParameter(name: string, type: TensorType, init: Initializer, trainable: boolean, span: Span): Value {
    this.#budget.spend("values", 1, span, { calls: [] });
    const value = makeValue(type, lastParts(name));
    this.#parameterIndex.set(name, this.parameters.length);
    this.parameters.push({ name, value, init, trainable, span });
    this.#madeAt.set(value, span);
    return value;
  }

  /** Changes how a parameter begins, by its number in the graph. */
  changeInit(index: number, change: (init: Initializer) => Initializer): void {
    const parameter = this.parameters[index]!;
    this.parameters[index] = { ...parameter, init: change(parameter.init) };
  }

  mark(): Mark {
    return { nodes: this.nodes.length, parameters: this.parameters.length };
  }

  /** A place in the table of edges, in the order in which edges begin, and the edge's name. */
  openEdge(prefix: string): { readonly index: number; readonly name: string } {
    const count = this.#edgeCounts.get(prefix) ?? 0;
    this.#edgeCounts.set(prefix, count + 1);
    this.edges.push(undefined);
    return { index: this.edges.length - 1, name: `${prefix} edge ${count}`.trim() };
  }

  closeEdge(index: number, edge: Edge): void {
    this.edges[index] = edge;
  }

  /** Runs with nodes marked as a part of an edge, or of none. */
  within<T>(part: EdgePart | undefined, run: () => T): T {
    const before = this.part;
    this.part = part;
    const result = run();
    this.part = before;
    return result;
  }

  madeAt(value: Value): Span | undefined {
    return this.#madeAt.get(value);
  }

  /** The one element that all of a tensor has, if it was made so. */
  filledWith(value: Value): number | undefined {
    return this.#filled.get(value);
  }

  markRead(value: Value): void {
    this.#read.add(value);
  }

  isRead(value: Value): boolean {
    return this.#read.has(value);
  }

  /** Names a value for the printer; the first name stays. */
  nameValue(value: Value, hint: string): void {
    // Values are read-only to all but their maker, which is still at work on them.
    if (value.hint === undefined) (value as { hint?: string }).hint = hint;
  }

  /** The graph as it is so far, with these outputs. */
  finish(name: string, outputs: readonly Output[]): Graph {
    const { edges, ...graph } = this.gather(name, outputs);
    return {
      ...graph,
      edges: edges.map((edge) => {
        invariant(edge, "an edge was opened and not closed");
        return edge;
      }),
    };
  }

  /** The same where the lowering may have failed anywhere. */
  gather(name: string, outputs: readonly Output[]): PartialGraph {
    return {
      name,
      symbols: [...this.symbols.values()],
      inputs: [...this.inputs],
      parameters: [...this.parameters],
      states: [],
      nodes: [...this.nodes],
      outputs,
      edges: [...this.edges],
    };
  }
}

/** `q_proj.weight`: the last two parts of a full name, which may be long. */
const lastParts = (name: string): string => name.slice(name.lastIndexOf(".", name.lastIndexOf(".") - 1) + 1);
