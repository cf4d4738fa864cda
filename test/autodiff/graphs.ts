import { differentiate } from "../../src/autodiff/differentiate.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { type Graph, type Node, type Value } from "../../src/ir/graph.ts";
import { makeNode, makeValue } from "../../src/ir/node.ts";
import { verifyGraph } from "../../src/ir/verify.ts";
import type { OpName } from "../../src/ops/table.ts";
import { sizeOf, type HostTensor } from "../../src/tensor/host.ts";
import { randomTensor, RandomStream } from "../../src/tensor/random.ts";
import { tensorType } from "../../src/tensor/type.ts";
import { isFloat } from "../../src/tensor/dtype.ts";

type Operands = Readonly<Record<string, HostTensor | undefined | readonly HostTensor[]>>;

/** A graph of one node whose operands are inputs, and Σ result · gy, gy random, as its loss. */
export class OpGraph {
  readonly inputs: Record<string, HostTensor> = {};
  readonly graph: Graph;
  readonly loss: Value;

  constructor(op: OpName, operands: Operands, attrs: object, ignored: readonly number[] = []) {
    const values: { name: string; value: Value }[] = [];
    const given: Record<string, Value | undefined | readonly Value[]> = {};
    const input = (name: string, tensor: HostTensor): Value => {
      const value = makeValue(tensorType(tensor.dtype, ...tensor.shape), name);
      values.push({ name, value });
      this.inputs[name] = tensor;
      return value;
    };
    for (const [name, operand] of Object.entries(operands))
      given[name] = Array.isArray(operand)
        ? (operand as readonly HostTensor[]).map((tensor, index) => input(`${name}_${index}`, tensor))
        : operand && input(name, operand as HostTensor);
    const node = makeNode(op, given as never, attrs as never) as Node;
    const nodes: Node[] = [node];
    const push = (made: unknown): Value => {
      nodes.push(made as Node);
      return nodes.at(-1)!.results[0]!;
    };
    const terms = node.results.flatMap((result, index) => {
      if (ignored.includes(index) || !isFloat(result.type.dtype)) return [];
      const shape = result.type.shape.map(({ key }) => Number(key));
      const gy = input(`gy_${index}`, {
        ...randomTensor(shape, new RandomStream(11, op)),
        dtype: result.type.dtype,
      });
      const product = push(makeNode("mul", { x: result, y: gy }, {}));
      return [push(makeNode("reduce_sum", { x: product }, { axes: [...shape.keys()] }))];
    });
    this.loss = terms.reduce((x, y) => push(makeNode("add", { x, y }, {})));
    this.graph = {
      name: op,
      symbols: [],
      inputs: values.map(({ name, value }) => ({ name, value, fill: undefined, span: undefined })),
      parameters: [],
      nodes,
      outputs: [{ name: "loss", value: this.loss, span: undefined }],
      states: [],
      edges: [],
    };
  }

  value(name: string): Value {
    return this.graph.inputs.find((each) => each.name === name)!.value;
  }

  /** The loss at the inputs, one of which may be another. */
  lossAt(changed: Readonly<Record<string, HostTensor>> = {}): number {
    return interpret(this.graph, { inputs: { ...this.inputs, ...changed }, parameters: {} })["loss"]!
      .data[0]!;
  }

  /** The gradients with respect to inputs, by differentiation. */
  gradients(names: readonly string[]): Record<string, HostTensor> {
    return gradientsOf(
      this.graph,
      this.loss,
      names.map((name) => ({ name, value: this.value(name) })),
      this.inputs,
    );
  }

  /** (f(x + h) - f(x - h)) / 2h for each element: exact to h² and to rounding / h, about 1e-9 with h = 1e-5. */
  finiteDifferences(name: string, step = 1e-5): Float64Array {
    const tensor = this.inputs[name]!;
    return Float64Array.from({ length: sizeOf(tensor.shape) }, (_, i) => {
      const at = (shift: number): number =>
        this.lossAt({ [name]: { ...tensor, data: tensor.data.with(i, tensor.data[i]! + shift) } });
      return (at(step) - at(-step)) / (2 * step);
    });
  }
}

/** Differentiates, verifies and runs; the gradients by name. */
export function gradientsOf(
  graph: Graph,
  loss: Value,
  wrt: readonly { readonly name: string; readonly value: Value }[],
  inputs: Readonly<Record<string, HostTensor>>,
  parameters: Readonly<Record<string, HostTensor>> = {},
): Record<string, HostTensor> {
  const {
    graph: whole,
    gradients,
    diagnostics,
  } = differentiate(
    graph,
    [loss],
    wrt.map(({ value }) => value),
  );
  if (diagnostics.length > 0) throw new Error(diagnostics.map(({ message }) => message).join("; "));
  const outputs = wrt.map(({ name, value }) => ({ name, value: gradients.get(value)!, span: undefined }));
  const result: Graph = { ...whole, outputs };
  const problems = verifyGraph(result);
  if (problems.length > 0) throw new Error(problems.join("; "));
  return interpret(result, { inputs, parameters });
}
