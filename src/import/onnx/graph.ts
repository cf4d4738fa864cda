import type { StoredTensor } from "../../checkpoint/stored.ts";
import type { Graph, Node, Value } from "../../ir/graph.ts";
import { noOrigin } from "../../ir/graph.ts";
import { tryMakeNode, type GivenAttributes } from "../../ir/node.ts";
import { Mismatch } from "../../ops/define.ts";
import { recordOf, type OpName, type OperandsOf } from "../../ops/table.ts";
import type { Dim } from "../../tensor/dim.ts";
import type { Dtype } from "../../tensor/dtype.ts";

/** What a node computes that lmg has no form for; thrown while the node is read, and told with all others. */
export class NoForm extends Error {}

/** An ONNX model as a graph of core ops, with what its parameters are. */
export interface ConvertedGraph {
  readonly graph: Graph;
  /** By the names of parameters. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** Makes nodes one behind the other. */
export class Builder {
  readonly nodes: Node[] = [];
  /** What the nodes that are made now belong to, as the file names it. */
  label = "";

  /** The one result of a new node. Throws NoForm if its operands do not fit. */
  emit = <K extends OpName>(op: K, operands: OperandsOf<K, Value>, attrs: GivenAttributes<K>): Value =>
    this.all(op, operands, attrs)[0]!;

  all<K extends OpName>(op: K, operands: OperandsOf<K, Value>, attrs: GivenAttributes<K>): readonly Value[] {
    for (const [slot, kind] of Object.entries(recordOf(op).operands))
      if (kind === "one" && (operands as Readonly<Record<string, unknown>>)[slot] === undefined)
        throw new NoForm(`too few inputs: ${op} has no ${slot}`);
    const node = tryMakeNode(op, operands, attrs, { ...noOrigin, label: this.label });
    if (node instanceof Mismatch) throw new NoForm(`${op}: ${node.blamed}: ${node.message}`);
    this.nodes.push(node as Node);
    return node.results;
  }

  /** A number, as operand of an op of elements: it takes the type of what stands beside it. */
  number = (value: number, dtype: Dtype = "f32"): Value => this.emit("full", {}, { dtype, shape: [], value });

  full = (shape: readonly Dim[], dtype: Dtype, value: number): Value =>
    this.emit("full", {}, { dtype, shape, value });

  permute = (x: Value, axes: readonly number[]): Value => this.emit("permute", { x }, { axes });

  reshape = (x: Value, shape: readonly Dim[]): Value => this.emit("reshape", { x }, { shape });
}
