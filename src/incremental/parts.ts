import type { Graph, Output, SymbolDeclaration, Value } from "../ir/graph.ts";
import { liveNodes } from "../ir/keep-outputs.ts";
import { operandValues } from "../ir/node.ts";
import { producersOf, resultValues } from "../ir/walk.ts";
import { dim, symbolDim } from "../tensor/dim.ts";
import { derive, type Derived } from "./derive.ts";
import { Facts } from "./facts/facts.ts";
import { Forms } from "./forms.ts";
import { Sizes } from "./letters.ts";
import { recomputedValues, type Recomputed } from "./recomputed.ts";
import { Refusal } from "./refusal.ts";
import { StateNames, type StateRole } from "./states.ts";
import { declared, unusedSymbol } from "./symbols.ts";

/** What the sizes of a run are called: positions that it adds, those before it, and those that there is memory for. */
export interface DecodingDims {
  readonly added: string;
  readonly past: string;
  readonly capacity: string;
}

/** The parts that read more of a text. */
export const partNames = ["append", "step", "all"] as const;

export type PartName = (typeof partNames)[number];

export interface PartOptions {
  readonly parts: readonly PartName[];
  readonly symbol: string;
  /** The most positions that there will ever be. */
  readonly limit: number | undefined;
  readonly windows: "rows" | "whole";
  /** Operations that a byte is worth which is not kept of a position. */
  readonly recompute: number;
}

/** The parts of a program before their passes, and what they have in common. */
export interface Parts {
  readonly graphs: Readonly<Record<string, Graph>>;
  readonly dims: DecodingDims;
  readonly limit: number | undefined;
  readonly states: ReadonlyMap<string, StateRole>;
  /** Operations of each run for a past position, of which something is made again. */
  readonly recomputed: number;
}

/**
 * The parts of a graph without residual edges over the positions of a symbol.
 *
 * @throws Refusal
 */
export const deriveParts = (graph: Graph, options: PartOptions): Parts => new Model(graph, options).parts();

/** A graph whose parts are derived. */
class Model {
  readonly #graph: Graph;
  readonly #options: PartOptions;
  readonly #facts: Facts;
  #names: StateNames;
  readonly #outputs: readonly Output[];
  readonly #dims: DecodingDims;
  readonly #limit: number | undefined;
  #recomputed: Recomputed = { values: new Set(), operations: 0 };

  constructor(graph: Graph, options: PartOptions) {
    const { symbol, limit } = options;
    this.#graph = graph;
    this.#options = options;
    this.#facts = new Facts(graph, symbol);
    this.#names = new StateNames(producersOf(graph));
    this.#dims = {
      added: unusedSymbol(graph, "N", "New"),
      past: unusedSymbol(graph, "P", "Past"),
      capacity: unusedSymbol(graph, "C", "Capacity"),
    };
    const most = graph.symbols.find(({ name }) => name === symbol)?.max;
    this.#limit = limit === undefined ? most : Math.min(limit, most ?? limit);
    const texts = graph.inputs.filter(({ value }) => value.type.shape.some(({ key }) => key === symbol));
    if (texts.length === 0) throw new Refusal("no_positions", undefined, symbol);
    this.#outputs = graph.outputs.filter(({ value }) => this.#facts.of(value).reach.tokens);
    if (this.#outputs.length === 0) throw new Refusal("no_output");
  }

  parts(): Parts {
    if (this.#options.recompute > 0) this.#narrow();
    const parts = this.#options.parts.map((name) => [name, this.#derive(name)] as const);
    const context = new Set(parts.flatMap(([, part]) => [...part.context]));
    const encode = context.size === 0 ? {} : { encode: this.#encode(context) };
    const graphs = parts.map(([name, part]) => [name, this.#graphOf(name, part)] as const);
    return {
      graphs: { ...encode, ...Object.fromEntries(graphs) },
      dims: this.#dims,
      limit: this.#limit,
      states: this.#names.roles,
      recomputed: this.#recomputed.operations,
    };
  }

  #derive(part: PartName): Derived {
    const forms = this.#formsOf(part);
    return derive(this.#graph, this.#outputs, part === "append" ? "L" : "R", forms, this.#names);
  }

  #formsOf(part: PartName): Forms {
    const { past, capacity } = this.#dims;
    const added = part === "step" ? dim(1) : symbolDim(this.#dims.added);
    const sizes = new Sizes(symbolDim(past), added, symbolDim(capacity));
    return new Forms(this.#graph, this.#facts, sizes, {
      windows: this.#options.windows === "rows",
      limit: this.#limit,
      recomputed: this.#recomputed.values,
    });
  }

  /** Looks at what would be kept, for something narrower that it is made of. */
  #narrow(): void {
    this.#derive("step");
    const { rows } = this.#names;
    this.#names = new StateNames(producersOf(this.#graph));
    this.#recomputed = recomputedValues(this.#graph, this.#formsOf("step"), rows, this.#options.recompute);
  }

  #graphOf(name: string, { builder, outputs }: Derived): Graph {
    const { nodes, inputs, states } = builder;
    const read = new Set([...nodes.flatMap(operandValues), ...outputs.map(({ value }) => value)]);
    return this.#part(name, { inputs, states, nodes, outputs }, read);
  }

  /** Makes what the other parts read of the context, once for a text, and the outputs that depend on it alone. */
  #encode(context: ReadonlySet<Value>): Graph {
    const states = [...context].map((value) => ({
      name: this.#names.nameOf(value, { kind: "context" }),
      value: { type: value.type },
      next: value,
      kind: "kept" as const,
      init: { kind: "constant" as const, value: 0 },
      span: undefined,
    }));
    const outputs = this.#graph.outputs.filter(({ value }) => {
      const { tokens, length } = this.#facts.of(value).reach;
      return !tokens && !length;
    });
    const read = resultValues({ ...this.#graph, states, outputs });
    const nodes = liveNodes(this.#graph.nodes, read);
    const inputs = this.#graph.inputs.filter(({ value }) => read.has(value));
    return this.#part("encode", { inputs, states, nodes, outputs }, read);
  }

  /** A graph with the parameters that it reads and the sizes that it speaks of. */
  #part(
    name: string,
    graph: Pick<Graph, "inputs" | "states" | "nodes" | "outputs">,
    read: ReadonlySet<Value>,
  ): Graph {
    const parameters = this.#graph.parameters.filter(({ value }) => read.has(value));
    return declared(
      { ...this.#graph, ...graph, name: `${this.#graph.name}.${name}`, parameters },
      this.#symbols(),
    );
  }

  #symbols(): SymbolDeclaration[] {
    const { added, past, capacity } = this.#dims;
    const bound = this.#limit === undefined ? {} : { max: this.#limit };
    const others = this.#graph.symbols.filter(({ name }) => name !== this.#options.symbol);
    return [...others, ...[added, past, capacity].map((name) => ({ name, ...bound }))];
  }
}
