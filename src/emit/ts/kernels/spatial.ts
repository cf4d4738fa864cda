import type { View } from "../../../kernels/view.ts";
import { dim } from "../../../tensor/dim.ts";
import { CallBuilder } from "../call.ts";
import { block, forLoop, sumText } from "../../module/text.ts";
import type { TsKernel } from "./kernel.ts";
import { onlyView } from "../../../kernels/results.ts";
import type { Code } from "../../../support/text.ts";

/** The sizes of pictures and windows as parameters. */
export function windowSizes(
  call: CallBuilder,
  x: View,
  out: View,
  stride: readonly number[],
  padding: readonly number[],
) {
  call.size("batch", x.type.shape[0]!);
  call.size("channels", x.type.shape[1]!);
  call.size("height", x.type.shape[2]!);
  call.size("width", x.type.shape[3]!);
  call.size("outHeight", out.type.shape[2]!);
  call.size("outWidth", out.type.shape[3]!);
  for (const [axis, letter] of ["Y", "X"].entries()) {
    call.size(`stride${letter}`, dim(stride[axis]!));
    call.size(`padding${letter}`, dim(padding[axis]!));
  }
}

/** Loops over the places of a window that are inside the picture; `visit` reads row `y` and column `x_`. */
export const overWindow = (visit: readonly Code[]): Code[] =>
  forLoop("r", "kernelHeight", [
    "const y = oy * strideY - paddingY + r;",
    "if (y < 0 || y >= height) continue;",
    ...forLoop("s", "kernelWidth", [
      "const column = ox * strideX - paddingX + s;",
      "if (column < 0 || column >= width) continue;",
      ...visit,
    ]),
  ]);

/** The same over all places, of a picture with zeros around: `visit` is given the element. */
export const overPadded = (visit: (x: string) => readonly Code[]): Code[] =>
  forLoop("r", "kernelHeight", [
    "const y = oy * strideY - paddingY + r;",
    ...forLoop("s", "kernelWidth", [
      "const column = ox * strideX - paddingX + s;",
      "const isInside = y >= 0 && y < height && column >= 0 && column < width;",
      ...visit("(isInside ? x[plane + y * width + column] : 0)"),
    ]),
  ]);

export const overPlane = (body: readonly Code[]): Code[] =>
  forLoop("oy", "outHeight", forLoop("ox", "outWidth", body));

const conv2d: TsKernel<"conv2d"> = ({ operands: { x, weight, bias }, attrs, results }, placing) => {
  const call = new CallBuilder(placing);
  const out = onlyView(results);
  windowSizes(call, x, out, attrs.stride, attrs.padding);
  call.size("outputs", weight.type.shape[0]!);
  call.size("inputs", weight.type.shape[1]!);
  call.size("kernelHeight", weight.type.shape[2]!);
  call.size("kernelWidth", weight.type.shape[3]!);
  call.size("groups", dim(attrs.groups));
  const xAt = call.tensor("x", x);
  const weightAt = call.tensor("weight", weight);
  const biasAt = bias && call.tensor("bias", bias);
  const outAt = call.tensor("out", out);
  const body = [
    `let to = ${outAt};`,
    ...forLoop("b", "batch", [
      ...forLoop("o", "outputs", [
        "const firstInput = Math.floor(o / (outputs / groups)) * inputs;",
        ...overPlane([
          `let sum = ${biasAt === undefined ? "0" : `bias[${sumText(biasAt, "o")}]`};`,
          ...forLoop("c", "inputs", [
            `const plane = ${sumText(xAt, "(b * channels + firstInput + c) * height * width")};`,
            `const kernel = ${sumText(weightAt, "(o * inputs + c) * kernelHeight * kernelWidth")};`,
            ...overPadded((x) => [`sum += ${x} * weight[kernel + r * kernelWidth + s];`]),
          ]),
          "out[to++] = sum;",
        ]),
      ]),
    ]),
  ];
  const name = bias === undefined ? "conv2d" : "conv2d_bias";
  return call.finish(name, ["Cross-correlation with zeros around the picture."], body);
};

const max_pool2d: TsKernel<"max_pool2d"> = ({ operands: { x }, attrs, results }, placing) => {
  const call = new CallBuilder(placing);
  const out = onlyView(results);
  windowSizes(call, x, out, attrs.stride, attrs.padding);
  call.size("kernelHeight", dim(attrs.kernel[0]!));
  call.size("kernelWidth", dim(attrs.kernel[1]!));
  const xAt = call.tensor("x", x);
  const outAt = call.tensor("out", out);
  const body = [
    `let to = ${outAt};`,
    ...block("for (let plane = 0; plane < batch * channels; plane++) {", [
      ...overPlane([
        "let largest = -Infinity;",
        ...overWindow([
          `largest = Math.max(largest, x[${sumText(xAt, "(plane * height + y) * width", "column")}]);`,
        ]),
        "out[to++] = largest;",
      ]),
    ]),
  ];
  return call.finish("max_pool2d", ["The largest element of each window."], body);
};

export const spatialKernels = { conv2d, max_pool2d };
