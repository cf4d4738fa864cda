import type { Graph, Node, Value } from "../../ir/graph.ts";
import { alongOf, axisFromFront, type Operand } from "../facts/along.ts";
import { Facts } from "../facts/facts.ts";
import { operandsWithAxes } from "../facts/operands.ts";
import { Refusal } from "../refusal.ts";

/** The texts of a batch, as the axis `batch` of what they are made into. */
export class Apart {
  readonly #facts: Facts;

  constructor(graph: Graph, batch: string) {
    this.#facts = new Facts(graph, batch);
  }

  /** Throws if a node makes a text of several: then it is none that could be read alone. */
  require(node: Node): void {
    const factOf = (value: Value) => this.#facts.of(value);
    const over = foldedAxes(node);
    const isAlong = (operand: Operand, at: number): boolean =>
      node.results.every((result) =>
        [...factOf(result).axes].some(
          ([axis, { kind }]) => kind !== "odd" && alongOf(node, axis, operand) === at,
        ),
      );
    for (const operand of operandsWithAxes(node, factOf))
      for (const at of operand.axes.keys()) {
        const isKept = node.op === "attend" ? isBatchOfScores(operand, at) : isAlong(operand, at);
        if (!isKept || over.includes(at)) throw new Refusal("mixed_batch", node);
      }
  }
}

/** Queries, keys, values and what is added to scores have the batch first, of four axes if there are as many. */
const isBatchOfScores = ({ value }: Operand, at: number): boolean => at === value.type.shape.length - 4;

/** The axes of its first operand that an op works along, though its result has them too. */
function foldedAxes(node: Node): readonly number[] {
  switch (node.op) {
    case "softmax":
    case "log_softmax":
    case "cumsum":
      return [axisFromFront(node.attrs.axis, node.operands.x.type.shape)];
    case "slice":
    case "concat":
      return [node.attrs.axis];
    case "topk":
    case "layer_norm":
    case "rms_norm":
    case "l2_norm":
      return [node.operands.x.type.shape.length - 1];
    case "conv2d":
    case "max_pool2d":
      return [2, 3];
    case "attend":
    case "rope":
      return [node.attrs.layout === "heads_last" ? 1 : 2];
    case "linear_attend":
      return [2];
    default:
      return [];
  }
}
