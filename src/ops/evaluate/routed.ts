import { sizeOf, type HostTensor } from "../../tensor/host.ts";
import type { WeightLayout } from "../infer/linear.ts";
import { EvaluationError } from "./error.ts";

/** Calls `each` with every choice: its number, the matrix that it chose, and the row of x that it reads. */
function eachChoice(
  x: HostTensor,
  chosen: HostTensor,
  experts: number,
  each: (choice: number, expert: number, row: number) => void,
): void {
  const perRow = x.shape.at(-2) === 1 ? chosen.shape.at(-1)! : 1;
  for (let choice = 0; choice < chosen.data.length; choice++) {
    const expert = chosen.data[choice]!;
    if (expert < 0 || expert >= experts)
      throw new EvaluationError(`there is no matrix ${expert} among ${experts} (0 to ${experts - 1})`);
    each(choice, expert, Math.floor(choice / perRow));
  }
}

/** Where element (n, k) of a matrix is. */
const placeIn =
  (layout: WeightLayout, outputs: number, inputs: number) =>
  (expert: number, n: number, k: number): number =>
    expert * outputs * inputs + (layout === "out_in" ? n * inputs + k : k * outputs + n);

export function evaluateRoutedLinear(
  x: HostTensor,
  weight: HostTensor,
  chosen: HostTensor,
  layout: WeightLayout,
): HostTensor {
  const inputs = x.shape.at(-1)!;
  const outputs = weight.shape[layout === "out_in" ? 1 : 2]!;
  const at = placeIn(layout, outputs, inputs);
  const data = new Float64Array(sizeOf(chosen.shape) * outputs);
  eachChoice(x, chosen, weight.shape[0]!, (choice, expert, row) => {
    for (let n = 0; n < outputs; n++) {
      let sum = 0;
      for (let k = 0; k < inputs; k++) sum += x.data[row * inputs + k]! * weight.data[at(expert, n, k)]!;
      data[choice * outputs + n] = sum;
    }
  });
  return { dtype: x.dtype, shape: [...chosen.shape, outputs], data };
}

export function evaluateRoutedWeightGrad(
  grad: HostTensor,
  x: HostTensor,
  chosen: HostTensor,
  layout: WeightLayout,
  experts: number,
): HostTensor {
  const [outputs, inputs] = [grad.shape.at(-1)!, x.shape.at(-1)!];
  const at = placeIn(layout, outputs, inputs);
  const data = new Float64Array(experts * outputs * inputs);
  eachChoice(x, chosen, experts, (choice, expert, row) => {
    for (let n = 0; n < outputs; n++)
      for (let k = 0; k < inputs; k++)
        data[at(expert, n, k)]! += grad.data[choice * outputs + n]! * x.data[row * inputs + k]!;
  });
  const matrix = layout === "out_in" ? [outputs, inputs] : [inputs, outputs];
  return { dtype: grad.dtype, shape: [experts, ...matrix], data };
}
