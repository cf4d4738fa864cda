import { MeasureParts, type Weight } from "../../autodiff/train/parts.ts";
import type { Graph, Node, Output, Value } from "../../ir/graph.ts";
import { operandValues } from "../../ir/node.ts";
import { Refused } from "../table.ts";

/** A part of a loss: a mean or a sum over the rows of a batch, and what it is multiplied by. */
export interface LossTerm {
  readonly value: Value;
  readonly weight: Weight;
  readonly scale: number;
  /** The node that makes it. */
  readonly node: Node | undefined;
}

/**
 * The loss as a sum of numbers times means and sums over rows: what processes and micro-steps that have rows of one batch each can
 * add up, and divide by how many there are of all.
 */
export function lossTerms(graph: Graph): readonly LossTerm[] {
  const loss = graph.outputs.find(({ name }) => name === "loss") as Output;
  const parts = new MeasureParts(graph);
  const weights = new Map(parts.of(loss.value).map(({ value, weight }) => [value, weight]));
  const numbers = new Map(
    graph.nodes.flatMap((node) =>
      node.op === "full" ? [[node.results[0]!, node.attrs.value] as const] : [],
    ),
  );
  const terms: LossTerm[] = [];
  const walk = (value: Value, scale: number): void => {
    const weight = weights.get(value);
    const node = parts.maker(value);
    if (weight !== undefined && weight.kind !== "same") {
      terms.push({ value, weight, scale, node });
      return;
    }
    const factor = node && factorOf(node, numbers);
    if (node?.op === "add") for (const operand of operandValues(node)) walk(operand, scale);
    else if (node?.op === "sub") {
      walk(node.operands.x, scale);
      walk(node.operands.y, -scale);
    } else if (factor !== undefined) walk(factor.of, scale * factor.by);
    else throw new Refused("loss", "the loss", node);
  };
  walk(loss.value, 1);
  return terms;
}

/** A number times a value, or a value over a number. */
function factorOf(
  node: Node,
  numbers: ReadonlyMap<Value, number>,
): { readonly of: Value; readonly by: number } | undefined {
  if (node.op !== "mul" && node.op !== "div") return undefined;
  const { x, y } = node.operands;
  const [first, second] = [numbers.get(x), numbers.get(y)];
  if (second !== undefined) return { of: x, by: node.op === "mul" ? second : 1 / second };
  return first !== undefined && node.op === "mul" ? { of: y, by: first } : undefined;
}
