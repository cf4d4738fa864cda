import { recordOf } from "../ops/table.ts";
import { groupBy } from "../support/lists.ts";
import { addDims, constantDim, dim, evaluateDim, multiplyDims, type Dim } from "../tensor/dim.ts";
import { dtypeBytes } from "../tensor/dtype.ts";
import { elementsOf, type TensorType } from "../tensor/type.ts";
import type { Symbols } from "./bind.ts";
import type { Graph, Node, Value } from "./graph.ts";
import { mapOperands, namedOperands, operandValues } from "./node.ts";
import { isSection, outlineOf, sectionsOf, type Section } from "./outline.ts";
import { lastReads, resultValues } from "./walk.ts";

/** What a part of a model holds and what one run of it costs, as polynomials of the run-time dims. */
export interface Cost {
  /** Numbers in parameters; one that several nodes read counts where it is read first. */
  readonly parameters: number;
  /** Floating-point operations; a multiply-add counts two. */
  readonly flops: Dim;
  /** Bytes read and written by nodes that each read their operands and write their results once, parameters included. */
  readonly bytes: Dim;
  /** What is read beside of matrices among which rows choose. */
  readonly chosen: readonly ChosenBytes[];
}

/** Matrices that are read once each if a row chose them: as many as there are choices, and no more than there are. */
interface ChosenBytes {
  readonly choices: Dim;
  readonly matrices: number;
  /** Of one of them. */
  readonly bytes: number;
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
  const operands = mapOperands(namedOperands(node), ({ type }) => type);
  const results = node.results.map(({ type }) => type);
  return recordOf(node.op).flops?.(operands as never, node.attrs, results) ?? dim(0);
}

/** The bytes that a node reads and writes: each operand once, of a table only the rows that are looked up, of experts none. */
export function nodeBytes(node: Node): Dim {
  // The same elements under another shape, or again: nothing moves.
  if (node.op === "reshape" || node.op === "recompute") return dim(0);
  const written = node.results.map(({ type }) => bytesOf(type));
  const rows = node.op === "embedding" ? node.operands.table : undefined;
  const experts = node.op === "routed_linear" ? node.operands.weight : undefined;
  const read = [...new Set(operandValues(node))].map((value) =>
    value === rows ? written[0]! : value === experts ? dim(0) : bytesOf(value.type),
  );
  return [...read, ...written].reduce(addDims, dim(0));
}

/** What a node reads of matrices among which rows choose. */
function chosenBytes(node: Node): readonly ChosenBytes[] {
  if (node.op !== "routed_linear") return [];
  const { weight, chosen } = node.operands;
  const matrices = constantDim(weight.type.shape[0]!)!;
  const bytes = (constantDim(bytesOf(weight.type)) ?? 0) / matrices;
  return [{ choices: elementsOf(chosen.type), matrices, bytes }];
}

/** What a token reads of a model's parameters: of experts those that it chose. */
export function readByToken(graph: Graph): { readonly parameters: number; readonly bytes: number } {
  const shares = new Map<Value, number>();
  for (const node of graph.nodes) {
    if (node.op !== "routed_linear") continue;
    const { weight, chosen } = node.operands;
    const share = (constantDim(chosen.type.shape.at(-1)!) ?? Infinity) / constantDim(weight.type.shape[0]!)!;
    shares.set(weight, Math.min(1, (shares.get(weight) ?? 0) + share));
  }
  const sum = (size: (value: Value) => number): number =>
    graph.parameters.reduce((total, { value }) => total + size(value) * (shares.get(value) ?? 1), 0);
  return { parameters: sum(sizeOfParameter), bytes: sum(({ type }) => constantDim(bytesOf(type)) ?? 0) };
}

/** Parameters, operations and bytes of a graph, in total and by part, repeats folded. */
export function statsOf(graph: Graph): Stats {
  const { costs, unread } = costsOf(graph);
  const parts = outlineOf(graph).parts;
  const rows = [...rowsOf(parts, costs), ...unread];
  const trainable = graph.parameters.filter((parameter) => parameter.trainable);
  return {
    total: sumOf(rows),
    trainable: trainable.reduce((sum, { value }) => sum + sizeOfParameter(value), 0),
    parameterBytes: graph.parameters.reduce(
      (sum, { value }) => sum + (constantDim(bytesOf(value.type)) ?? 0),
      0,
    ),
    rows,
  };
}

const sizeOfParameter = ({ type }: Value): number => constantDim(elementsOf(type)) ?? 0;

/** What each node costs, and a row for each parameter that no node reads. */
function costsOf(graph: Graph): {
  readonly costs: ReadonlyMap<Node, Cost>;
  readonly unread: readonly StatsRow[];
} {
  const owned = new Map(graph.parameters.map(({ value }) => [value, sizeOfParameter(value)]));
  const costs = new Map<Node, Cost>();
  for (const node of graph.nodes) {
    let parameters = 0;
    for (const value of operandValues(node)) {
      parameters += owned.get(value) ?? 0;
      owned.delete(value);
    }
    const cost = { flops: nodeFlops(node), bytes: nodeBytes(node), chosen: chosenBytes(node) };
    costs.set(node, { parameters, ...cost });
  }
  const unread = graph.parameters.flatMap(({ name, value }) => {
    const parameters = owned.get(value);
    return parameters === undefined ? [] : [{ ...nothing, name, parameters, times: 1, rows: [] }];
  });
  return { costs, unread };
}

/** A row for each name: the label of a section, the op of a node that no layer makes. */
function rowsOf(parts: Section["parts"], costs: ReadonlyMap<Node, Cost>): StatsRow[] {
  const groups = groupBy(parts, (part) => (isSection(part) ? part.label : part.op));
  return [...groups].map(([name, group]) => {
    const sections = group.filter(isSection);
    const iterations = sections.flatMap(({ repeat }) => repeat?.iterations ?? []);
    const inner = [
      ...iterations.flatMap((iteration) => iteration.parts),
      // The own nodes of a layer or a block are no rows: its name says enough.
      ...sections.flatMap((section) => (section.repeat === undefined ? sectionsOf(section) : [])),
    ];
    const nodes = group.flatMap((part) => (isSection(part) ? part.nodes : [part]));
    return {
      name,
      times: Math.max(1, new Set(iterations.map(({ index }) => index)).size),
      ...sumOf(nodes.map((node) => costs.get(node)!)),
      rows: rowsOf(inner, costs),
    };
  });
}

const nothing: Cost = { parameters: 0, flops: dim(0), bytes: dim(0), chosen: [] };

const sumOf = (costs: readonly Cost[]): Cost =>
  costs.reduce(
    (sum, cost) => ({
      parameters: sum.parameters + cost.parameters,
      flops: addDims(sum.flops, cost.flops),
      bytes: addDims(sum.bytes, cost.bytes),
      chosen: cost.chosen.length === 0 ? sum.chosen : [...sum.chosen, ...cost.chosen],
    }),
    nothing,
  );

/** A cost for given sizes of the run-time dims. */
export const evaluateCost = (
  cost: Cost,
  symbols: Symbols,
): { parameters: number; flops: number; bytes: number } => ({
  parameters: cost.parameters,
  flops: evaluateDim(cost.flops, symbols),
  bytes: cost.chosen.reduce(
    (sum, { choices, matrices, bytes }) => sum + Math.min(evaluateDim(choices, symbols), matrices) * bytes,
    evaluateDim(cost.bytes, symbols),
  ),
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
  const outputs = resultValues(graph);
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
