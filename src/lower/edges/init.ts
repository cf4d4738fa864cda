import type { Node, Value } from "../../ir/graph.ts";
import type { InitClause } from "../../language/ast.ts";
import type { Mark } from "../frame/builder.ts";
import type { Frame } from "../frame/context.ts";
import * as errors from "../errors/edges.ts";
import { scaleInitializer } from "../values/initializers.ts";

/**
 * `init c` on an edge: the weights that end its branch begin c times as large, and so does the branch. It is made of them
 * by ops that are proportional to them: GPT-2's c_proj under a dropout, the last product of each expert in a sum.
 */
export function scaleBranchInit(
  clause: InitClause | undefined,
  branches: readonly Value[],
  start: Mark,
  frame: Frame,
): void {
  if (clause === undefined) return;
  const { builder, diagnostics } = frame.context;
  const factor = readFactor(clause, frame);
  if (factor === undefined) return;
  const nodes = builder.nodes.slice(start.nodes);
  const weights = ownWeights(start, frame);
  const proportional = new Set(weights.keys());
  for (const node of nodes)
    if (carriers(node, proportional) !== undefined) proportional.add(node.results[0]!);
  const stray = branches.find((value) => !proportional.has(value));
  if (stray !== undefined) {
    diagnostics.add(errors.initScalesNothing(clause, builder.madeAt(stray)), frame.calls);
    return;
  }
  for (const weight of endsOf(branches, nodes, proportional)) {
    const index = weights.get(weight);
    if (index !== undefined && index >= start.parameters)
      builder.changeInit(index, (init) => scaleInitializer(init, factor));
  }
}

function readFactor(clause: InitClause, frame: Frame): number | undefined {
  const kind = { name: "float", optional: false } as const;
  const meaning = frame.context.walk.evaluateAs(clause.factor, kind, frame, "`init`");
  if (meaning?.kind !== "number") return undefined;
  if (meaning.value >= 0) return meaning.value;
  frame.context.diagnostics.add(errors.initBelowZero(clause, meaning.value), frame.calls);
  return undefined;
}

/**
 * The parameters that the edge made, and their numbers; with those that it runs once more (`repeat … shared`), which were
 * scaled the first time.
 */
function ownWeights(start: Mark, frame: Frame): ReadonlyMap<Value, number> {
  const { builder, replays } = frame.context;
  const weights = new Map<Value, number>();
  const ranges = [...replays, { first: start.parameters, end: builder.parameters.length }];
  for (const { first, end } of ranges)
    for (let index = first; index < end; index++) weights.set(builder.parameters[index]!.value, index);
  return weights;
}

/** The operands that a node's result grows with, if it is proportional to what of them is; of a product the first. */
function carriers(node: Node, proportional: ReadonlySet<Value>): readonly Value[] | undefined {
  const all = (...values: readonly (Value | undefined)[]): readonly Value[] | undefined => {
    const given = values.filter((value) => value !== undefined);
    return given.every((value) => proportional.has(value)) ? given : undefined;
  };
  switch (node.op) {
    case "linear":
    case "conv2d":
      return all(node.operands.weight, node.operands.bias);
    case "routed_linear":
      return all(node.operands.weight);
    case "embedding":
      return all(node.operands.table);
    case "attend":
      return all(node.operands.v);
    case "matmul":
      return all(node.operands.a) ?? all(node.operands.b);
    case "mul":
      return all(node.operands.x) ?? all(node.operands.y);
    case "add":
    case "sub":
      return all(node.operands.x, node.operands.y);
    case "residual":
      return all(node.operands.source, ...node.operands.branches);
    case "concat":
      return all(...node.operands.values);
    case "div":
    case "neg":
    case "relu":
    case "dropout":
    case "reshape":
    case "permute":
    case "broadcast":
    case "slice":
    case "cast":
    case "reduce_sum":
    case "reduce_mean":
      return all(node.operands.x);
    default:
      return undefined;
  }
}

/** The values without carriers that the branches come from: their last weights. */
function endsOf(
  branches: readonly Value[],
  nodes: readonly Node[],
  proportional: ReadonlySet<Value>,
): ReadonlySet<Value> {
  const producers = new Map(nodes.map((node) => [node.results[0]!, node]));
  const ends = new Set<Value>();
  const seen = new Set(branches);
  const waiting = [...branches];
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    const producer = producers.get(value);
    if (producer === undefined) ends.add(value);
    for (const carrier of producer === undefined ? [] : carriers(producer, proportional)!) {
      if (seen.has(carrier)) continue;
      seen.add(carrier);
      waiting.push(carrier);
    }
  }
  return ends;
}
