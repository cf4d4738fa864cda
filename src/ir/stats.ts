import { recordOf } from "../ops/table.ts";
import { addDims, constantDim, dim, evaluateDim, multiplyDims, type Dim } from "../tensor/dim.ts";
import { dtypeBytes } from "../tensor/dtype.ts";
import { elementsOf, type TensorType } from "../tensor/type.ts";
import type { Symbols } from "./bind.ts";
import type { Graph, Node, Value } from "./graph.ts";
import { mapOperands, operandValues } from "./node.ts";
import { lastReads } from "./walk.ts";

/** What a part of a model holds and what one run of it costs, as polynomials of the run-time dims. */
export interface Cost {
  /** Numbers in parameters; one that several nodes read counts where it is read first. */
  readonly parameters: number;
  /** Floating-point operations; a multiply-add counts two. */
  readonly flops: Dim;
  /** Bytes read and written by nodes that each read their operands and write their results once, parameters included. */
  readonly bytes: Dim;
}

/** A layer, a block, or a repeat with all its iterations added up. */
export interface StatsRow extends Cost {
  /** A part of a label: `h`, `attn`; the op for nodes without a label. */
  readonly name: string;
  /** The number of iterations of a repeat; 1 for everything else. `h × 12` is how listings show it. */
  readonly times: number;
  readonly rows: readonly StatsRow[];
}

export interface Stats {
  readonly total: Cost;
  readonly trainable: number;
  /** Bytes of all parameters as they are stored. */
  readonly parameterBytes: number;
  readonly rows: readonly StatsRow[];
}

export const bytesOf = (type: TensorType): Dim => multiplyDims(elementsOf(type), dim(dtypeBytes[type.dtype]));

/** The floating-point operations of a node. */
export function nodeFlops(node: Node): Dim {
  const operands = mapOperands(node.operands as Record<string, Value>, ({ type }) => type);
  const results = node.results.map(({ type }) => type);
  return recordOf(node.op).flops?.(operands as never, node.attrs, results) ?? dim(0);
}

/** The bytes that a node reads and writes: each operand once, of a table only the rows that are looked up. */
export function nodeBytes(node: Node): Dim {
  // The same elements under another shape, or again: nothing moves.
  if (node.op === "reshape" || node.op === "recompute") return dim(0);
  const written = node.results.map(({ type }) => bytesOf(type));
  const rows = node.op === "embedding" ? node.operands.table : undefined;
  const read = [...new Set(operandValues(node))].map((value) =>
    value === rows ? written[0]! : bytesOf(value.type),
  );
  return [...read, ...written].reduce(addDims, dim(0));
}

/** Parameters, operations and bytes of a graph, in total and by part, repeats folded. */
export function statsOf(graph: Graph): Stats {
  const root = new Part("");
  const seen = new Set<Value>();
  const owned = new Map(
    graph.parameters.map((parameter) => [parameter.value, sizeOfParameter(parameter.value)]),
  );
  for (const node of graph.nodes) {
    let parameters = 0;
    for (const value of operandValues(node)) {
      if (!seen.has(value)) parameters += owned.get(value) ?? 0;
      seen.add(value);
    }
    root.add(pathOf(node), { parameters, flops: nodeFlops(node), bytes: nodeBytes(node) });
  }
  for (const { name, value } of graph.parameters)
    if (!seen.has(value))
      root.add([{ name }], { parameters: owned.get(value)!, flops: dim(0), bytes: dim(0) });
  const trainable = graph.parameters.filter((parameter) => parameter.trainable);
  return {
    total: root.cost,
    trainable: trainable.reduce((sum, { value }) => sum + sizeOfParameter(value), 0),
    parameterBytes: graph.parameters.reduce(
      (sum, { value }) => sum + (constantDim(bytesOf(value.type)) ?? 0),
      0,
    ),
    rows: root.rows(),
  };
}

const sizeOfParameter = ({ type }: Value): number => constantDim(elementsOf(type)) ?? 0;

interface Step {
  readonly name: string;
  /** Which iteration, for a repeat. */
  readonly index?: number;
}

/** The parts of the label, each repeat one step: `h.3.attn.c_attn` in `h[3]` is h, attn, c_attn. */
function pathOf({ op, origin }: Node): Step[] {
  let rest = origin.label;
  const steps: Step[] = [];
  for (const { label, index } of origin.scope) {
    const prefix = `${label}.${index}`;
    if (rest === prefix) rest = "";
    else if (rest.startsWith(`${prefix}.`)) rest = rest.slice(prefix.length + 1);
    steps.push({ name: label, index });
  }
  const parts = rest === "" ? [op] : rest.split(".");
  return [...steps, ...parts.map((name) => ({ name }))];
}

/** A row while it is added up. */
class Part {
  readonly #name: string;
  readonly #iterations = new Set<number>();
  readonly #parts = new Map<string, Part>();
  #cost: Cost = { parameters: 0, flops: dim(0), bytes: dim(0) };

  constructor(name: string) {
    this.#name = name;
  }

  get cost(): Cost {
    return this.#cost;
  }

  add(path: readonly Step[], cost: Cost): void {
    let part: Part = this.#plus(cost);
    for (const { name, index } of path) {
      part = part.#part(name).#plus(cost);
      if (index !== undefined) part.#iterations.add(index);
    }
  }

  #plus(cost: Cost): this {
    const { parameters, flops, bytes } = this.#cost;
    this.#cost = {
      parameters: parameters + cost.parameters,
      flops: addDims(flops, cost.flops),
      bytes: addDims(bytes, cost.bytes),
    };
    return this;
  }

  #part(name: string): Part {
    const found = this.#parts.get(name) ?? new Part(name);
    this.#parts.set(name, found);
    return found;
  }

  rows(): StatsRow[] {
    return [...this.#parts.values()].map((part) => ({
      name: part.#name,
      times: Math.max(1, part.#iterations.size),
      ...part.#cost,
      rows: part.rows(),
    }));
  }
}

/** A cost for given sizes of the run-time dims. */
export const evaluateCost = (
  cost: Cost,
  symbols: Symbols,
): { parameters: number; flops: number; bytes: number } => ({
  parameters: cost.parameters,
  flops: evaluateDim(cost.flops, symbols),
  bytes: evaluateDim(cost.bytes, symbols),
});

/**
 * The most bytes that inputs and results hold at once, if each lives from the node that makes it to its last reader
 * (outputs to the end) and no node works in place. Parameters are not counted. A plan does better: this is the bound
 * that it is measured against.
 */
export function peakBytes(graph: Graph, symbols: Symbols): number {
  const last = lastReads(graph);
  const size = ({ type }: Value): number => evaluateDim(bytesOf(type), symbols);
  const parameters = new Set(graph.parameters.map(({ value }) => value));
  const outputs = new Set(graph.outputs.map(({ value }) => value));
  let live = graph.inputs.reduce((sum, { value }) => sum + size(value), 0);
  let peak = live;
  for (const [index, node] of graph.nodes.entries()) {
    for (const value of node.results) live += size(value);
    peak = Math.max(peak, live);
    for (const value of new Set(operandValues(node)))
      if (last.get(value) === index && !parameters.has(value)) live -= size(value);
    for (const value of node.results) if (!last.has(value) && !outputs.has(value)) live -= size(value);
  }
  return peak;
}
