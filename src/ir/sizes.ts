import { Mismatch, type AttributeSpec } from "../ops/define.ts";
import { recordOf } from "../ops/table.ts";
import { showPlace } from "../support/source.ts";
import { dim, evaluateDim, type Dim } from "../tensor/dim.ts";
import type { TensorType } from "../tensor/type.ts";
import type { Symbols } from "./bind.ts";
import type { Graph, Node, Value } from "./graph.ts";
import { mapOperands, namedOperands } from "./node.ts";

/** `embedding wte (gpt2.lmg:6:3)`, for messages about data. */
export function placeOf({ op, origin }: Pick<Node, "op" | "origin">): string {
  const span = origin.spans.at(-1);
  return `${op}${origin.label === "" ? "" : ` ${origin.label}`}${span === undefined ? "" : ` (${showPlace(span)})`}`;
}

/** The attributes of a node with numbers in the place of symbols, as its op's record takes them. */
export function boundAttributes(node: Node, symbols: Symbols): never {
  const specs: AttributeSpec = recordOf(node.op).attrs;
  const number = (size: Dim): Dim => dim(evaluateDim(size, symbols));
  const bound = Object.entries(node.attrs).map(([name, value]: [string, unknown]) => {
    const kind = specs[name]?.kind;
    if (kind === "dim") return [name, number(value as Dim)];
    return [name, kind === "dims" ? (value as readonly Dim[]).map(number) : value];
  });
  return Object.fromEntries(bound) as never;
}

/** What a node makes of operands without symbols: the shape rule checks what it had to leave open before. */
export const boundTypes = (node: Node, operands: object, attrs: never): readonly TensorType[] | Mismatch =>
  recordOf(node.op).infer(operands as never, attrs);

/** The first node that cannot run with these sizes, and why; a graph of the language. Linear in the nodes. */
export function misfitAt(graph: Graph, symbols: Symbols): string | undefined {
  const bind = ({ type: { dtype, shape } }: Value): TensorType => ({
    dtype,
    shape: shape.map((size) => dim(evaluateDim(size, symbols))),
  });
  for (const node of graph.nodes) {
    const operands = mapOperands(namedOperands(node), bind);
    const types = boundTypes(node, operands, boundAttributes(node, symbols));
    if (types instanceof Mismatch) return `${placeOf(node)}: ${types.message}`;
  }
  return undefined;
}
