import { dim } from "../../../tensor/dim.ts";
import type { Code } from "../../../support/text.ts";
import { elementsOf } from "../../../tensor/type.ts";
import { CallBuilder, type Call } from "../call.ts";
import type { Placing } from "../placing.ts";
import type { View } from "../../../kernels/view.ts";
import { block, forLoop, sumText } from "../../module/text.ts";
import type { TsKernel } from "./kernel.ts";
import { onlyView } from "../../../kernels/results.ts";
import { overPadded, overPlane, overWindow, windowSizes } from "./spatial.ts";

interface Convolution {
  readonly x: View;
  readonly weight: View;
  readonly grad: View;
  readonly attrs: {
    readonly stride: readonly number[];
    readonly padding: readonly number[];
    readonly groups: number;
  };
}

/** Each element of the gradient with the window that it was made of; one of x and weight is the result. */
function convolution(
  name: string,
  doc: string,
  { x, weight, grad, attrs }: Convolution,
  result: "x" | "weight",
  placing: Placing,
): Call {
  const call = new CallBuilder(placing);
  windowSizes(call, x, grad, attrs.stride, attrs.padding);
  call.size("outputs", weight.type.shape[0]!);
  call.size("inputs", weight.type.shape[1]!);
  call.size("kernelHeight", weight.type.shape[2]!);
  call.size("kernelWidth", weight.type.shape[3]!);
  call.size("groups", dim(attrs.groups));
  const [xAt, weightAt] = [call.tensor("x", x), call.tensor("weight", weight)];
  const gradAt = call.tensor("grad", grad);
  call.size("count", elementsOf((result === "x" ? x : weight).type));
  const resultAt = result === "x" ? xAt : weightAt;
  const ofWeight = "weight[kernel + r * kernelWidth + s]";
  const products =
    result === "x"
      ? overWindow([`x[plane + y * width + column] += g * ${ofWeight};`])
      : overPadded((x) => [`${ofWeight} += g * ${x};`]);
  const body = [
    `${result}.fill(0, ${resultAt}, ${sumText(resultAt, "count")});`,
    `let from = ${gradAt};`,
    ...forLoop("b", "batch", [
      ...forLoop("o", "outputs", [
        "const firstInput = Math.floor(o / (outputs / groups)) * inputs;",
        ...overPlane([
          "const g = grad[from++];",
          ...forLoop("c", "inputs", [
            `const plane = ${sumText(xAt, "(b * channels + firstInput + c) * height * width")};`,
            `const kernel = ${sumText(weightAt, "(o * inputs + c) * kernelHeight * kernelWidth")};`,
            ...products,
          ]),
        ]),
      ]),
    ]),
  ];
  return call.finish(name, [doc], body);
}

const conv2d_x_grad: TsKernel<"conv2d_x_grad"> = ({ operands, attrs, results }, placing) =>
  convolution(
    "conv2d_x_grad",
    "The gradient of a convolution's picture.",
    { ...operands, x: onlyView(results), attrs },
    "x",
    placing,
  );

const conv2d_weight_grad: TsKernel<"conv2d_weight_grad"> = ({ operands, attrs, results }, placing) =>
  convolution(
    "conv2d_weight_grad",
    "The gradient of a convolution's weight.",
    { ...operands, weight: onlyView(results), attrs },
    "weight",
    placing,
  );

const max_pool2d_grad: TsKernel<"max_pool2d_grad"> = ({ operands: { grad, x }, attrs, results }, placing) => {
  const call = new CallBuilder(placing);
  windowSizes(call, x, grad, attrs.stride, attrs.padding);
  call.size("kernelHeight", dim(attrs.kernel[0]!));
  call.size("kernelWidth", dim(attrs.kernel[1]!));
  const [gradAt, xAt, outAt] = [
    call.tensor("grad", grad),
    call.tensor("x", x),
    call.tensor("out", onlyView(results)),
  ];
  const visit: Code[] = [
    "const at = (plane * height + y) * width + column;",
    `if (largest < 0 || x[${sumText(xAt, "at")}] > x[${sumText(xAt, "largest")}]) largest = at;`,
  ];
  const body = [
    `out.fill(0, ${outAt}, ${sumText(outAt, "batch * channels * height * width")});`,
    `let from = ${gradAt};`,
    ...block("for (let plane = 0; plane < batch * channels; plane++) {", [
      ...overPlane([
        "let largest = -1;",
        ...overWindow(visit),
        `out[${sumText(outAt, "largest")}] += grad[from++];`,
      ]),
    ]),
  ];
  return call.finish("max_pool2d_grad", ["The gradient goes to the largest element of each window."], body);
};

export const gradientSpatialKernels = { conv2d_weight_grad, conv2d_x_grad, max_pool2d_grad };
