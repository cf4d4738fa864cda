import { noOrigin, type Node, type Origin, type Value } from "../ir/graph.ts";
import { makeNode, onlyResult, type GivenAttributes } from "../ir/node.ts";
import type { OpName, OperandsOf } from "../ops/table.ts";
import type { Dtype } from "../tensor/dtype.ts";
import type { TensorType } from "../tensor/type.ts";

/** The nodes of a graph while it is made, in order. */
export class Emitter {
  readonly nodes: Node[] = [];
  /** Of the node that is made again. */
  origin: Origin = noOrigin;

  /** The results of a node of any op. */
  emitAll<K extends OpName>(
    op: K,
    operands: OperandsOf<K, Value>,
    attrs: GivenAttributes<K>,
    hints: readonly string[] = [],
  ): readonly Value[] {
    const node = makeNode(op, operands, attrs, this.origin, hints) as Node;
    this.nodes.push(node);
    return node.results;
  }

  emit<K extends OpName>(op: K, operands: OperandsOf<K, Value>, attrs: GivenAttributes<K>): Value {
    this.emitAll(op, operands, attrs);
    return onlyResult(this.nodes.at(-1)!);
  }

  full({ dtype, shape }: TensorType, value: number): Value {
    return this.emit("full", {}, { dtype, shape, value });
  }

  number(value: number, dtype: Dtype): Value {
    return this.full({ dtype, shape: [] }, value);
  }
}
