import type { Graph, Parameter, Value } from "../../ir/graph.ts";
import { interpret } from "../../ir/interpret.ts";
import { makeValue, withOperands } from "../../ir/node.ts";
import type { AfterStep } from "../../lower/train/by-name.ts";
import { hostTensor } from "../../tensor/host.ts";
import type { Backward } from "../backward.ts";

/** What a parameter that moved to `next` is when the step has ended: `next` after the layers of `after step`, in their order. */
export function passedOn(
  b: Backward,
  after: readonly AfterStep[],
  { name, span }: Pick<Parameter, "name" | "span">,
  next: Value,
): Value {
  let passed = next;
  for (const { parameter, value, nodes, result } of after) {
    if (parameter !== name) continue;
    const copies = new Map<Value, Value>([[value, passed]]);
    for (const node of nodes) {
      const results = node.results.map(({ type, hint }) => makeValue(type, hint));
      node.results.forEach((old, index) => copies.set(old, results[index]!));
      const origin = {
        ...node.origin,
        label: name,
        spans: span ? [...node.origin.spans, span] : node.origin.spans,
      };
      const moved = withOperands(node, (operand) => copies.get(operand) ?? operand);
      b.nodes.push({ ...moved, results, origin: { ...origin, phase: "update" } });
    }
    passed = copies.get(result)!;
  }
  return passed;
}

interface Beginning {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** Tensors that a training begins with, after what `after step` has them pass through, in float64. */
export function passedBefore<Tensor extends Beginning>(
  after: readonly AfterStep[],
  tensors: Readonly<Record<string, Tensor>>,
): Record<string, Tensor> {
  const passed = { ...tensors };
  for (const step of after) {
    const given = passed[step.parameter];
    if (given === undefined) continue;
    const { dtype } = step.value.type;
    const { out } = interpret(graphOf(step), {
      inputs: {},
      parameters: { [step.parameter]: hostTensor(dtype, given.shape, given.data) },
    });
    passed[step.parameter] = { ...given, data: Float32Array.from(out!.data) };
  }
  return passed;
}

const graphOf = ({ parameter, value, nodes, result }: AfterStep): Graph => ({
  name: "after_step",
  symbols: [],
  inputs: [],
  parameters: [
    { name: parameter, value, init: { kind: "constant", value: 0 }, trainable: true, span: undefined },
  ],
  states: [],
  nodes,
  outputs: [{ name: "out", value: result, span: undefined }],
  edges: [],
});
