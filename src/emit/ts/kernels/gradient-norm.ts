import type { View } from "../../../kernels/view.ts";
import { productOfDims } from "../../../tensor/dim.ts";
import type { Code } from "../../../support/text.ts";
import { CallBuilder } from "../call.ts";
import { forLoop, numberText, sumText } from "../../module/text.ts";
import { walk, walkedRows } from "../walk.ts";
import type { TsKernel } from "./kernel.ts";
import { onlyView } from "../../../kernels/results.ts";
import { normText } from "./row-norm.ts";

/**
 * A row at a time, from the cache: its statistics, what the gradient has along the normed row, and the gradient of x with
 * what x carries on besides. The gradients of weight and bias are added up over the rows.
 */
const norm_grad: TsKernel<"norm_grad"> = ({ operands, attrs, results }, naming) => {
  const { grad, x, weight, carried } = operands;
  const { norm, eps, unit_offset: unitOffset, bias } = attrs;
  const call = new CallBuilder(naming);
  call.size("width", x.type.shape.at(-1)!);
  const [out, ...vectors] = results as [View, ...View[]];
  const walked = [walkedRows(call, "grad", grad), walkedRows(call, "x", x), walkedRows(call, "out", out)];
  if (carried !== undefined) walked.push(walkedRows(call, "carried", carried));
  const weightAt = weight && call.tensor("weight", weight);
  const ofWeight = weight && call.tensor("ofWeight", vectors[0]!);
  const ofBias = bias ? call.tensor("ofBias", vectors.at(-1)!) : undefined;
  const factor =
    weightAt === undefined
      ? ""
      : ` * ${unitOffset ? `(1 + weight[${sumText(weightAt, "i")}])` : `weight[${sumText(weightAt, "i")}]`}`;
  const { lines, normalized } = normText(norm, eps, "x[xRow + i]");
  const turn = norm === "l2" ? `scale < ${numberText(1 / eps)} ? along : 0` : "along / width";
  const { loops } = walk(call, x.type.shape.slice(0, -1), walked, "row");
  const body = [
    ...(ofWeight === undefined ? [] : [`ofWeight.fill(0, ${ofWeight}, ${sumText(ofWeight, "width")});`]),
    ...(ofBias === undefined ? [] : [`ofBias.fill(0, ${ofBias}, ${sumText(ofBias, "width")});`]),
    ...loops(([gradRow, xRow, outRow, carriedRow]) => [
      `const gradRow = ${gradRow!};`,
      `const xRow = ${xRow!};`,
      `const outRow = ${outRow!};`,
      ...(carried === undefined ? [] : [`const carriedRow = ${carriedRow!};`]),
      ...lines,
      ...(norm === "layer" ? ["let sum = 0;"] : []),
      "let along = 0;",
      ...forLoop("i", "width", [
        "const g = grad[gradRow + i];",
        `const normed = ${normalized("x[xRow + i]")};`,
        `const h = g${factor};`,
        ...(norm === "layer" ? ["sum += h;"] : []),
        "along += h * normed;",
        ...(ofWeight === undefined ? [] : [`ofWeight[${sumText(ofWeight, "i")}] += g * normed;`]),
        ...(ofBias === undefined ? [] : [`ofBias[${sumText(ofBias, "i")}] += g;`]),
      ]),
      ...(norm === "layer" ? ["const shift = sum / width;"] : []),
      `const turn = ${turn};`,
      ...forLoop("i", "width", [
        `const h = grad[gradRow + i]${factor};`,
        `const normed = ${normalized("x[xRow + i]")};`,
        `out[outRow + i] = scale * (h${norm === "layer" ? " - shift" : ""} - normed * turn)${carried === undefined ? "" : " + carried[carriedRow + i]"};`,
      ]),
    ]),
  ];
  const words = [
    ...(weight === undefined ? [] : [unitOffset ? "unit_weight" : "weight"]),
    ...(bias ? ["bias"] : []),
    ...(carried === undefined ? [] : ["carried"]),
  ];
  const doc = `The gradient of a ${norm} norm of each row${carried === undefined ? "" : ", plus what its input carries on"}.`;
  return call.finish([`${norm}_norm_grad`, ...words].join("_"), [doc], body);
};

/** Sizes of a dense tensor around its axis of channels, and loops over one channel's elements, at index \`i\`. */
function channelLoops(call: CallBuilder, x: View, axis: number) {
  call.size("outer", productOfDims(x.type.shape.slice(0, axis)));
  call.size("channels", x.type.shape[axis]!);
  call.size("inner", productOfDims(x.type.shape.slice(axis + 1)));
  const over = (body: readonly Code[]): Code[] =>
    forLoop("o", "outer", [
      "const first = (o * channels + c) * inner;",
      "for (let i = first; i < first + inner; i++) {",
      body,
      "}",
    ]);
  return { over, perChannel: (body: readonly Code[]) => forLoop("c", "channels", body) };
}

const batch_statistics: TsKernel<"batch_statistics"> = ({ operands, attrs, results }, naming) => {
  const { x, running_mean, running_variance } = operands;
  const call = new CallBuilder(naming);
  const { over, perChannel } = channelLoops(call, x, attrs.axis);
  const xAt = call.tensor("x", x);
  const at = Object.fromEntries(
    Object.entries({ runningMean: running_mean, runningVariance: running_variance }).map(([name, view]) => [
      name,
      `${name}[${sumText(call.tensor(name, view), "c")}]`,
    ]),
  );
  const names = ["mean", "variance", "nextMean", "nextVariance"];
  const [mean, variance, nextMean, nextVariance] = results.map(
    (view, index) => `${names[index]!}[${sumText(call.tensor(names[index]!, view), "c")}]`,
  );
  call.number("momentum", numberText(attrs.momentum));
  const body = [
    "const count = outer * inner;",
    ...(attrs.unbiased ? ["const correction = count / Math.max(count - 1, 1);"] : []),
    ...perChannel([
      "let sum = 0;",
      ...over([`sum += x[${sumText(xAt, "i")}];`]),
      "const centre = sum / count;",
      "let squares = 0;",
      ...over([`const d = x[${sumText(xAt, "i")}] - centre;`, "squares += d * d;"]),
      "const spread = squares / count;",
      "// Both are read before anything is written: results may lie over them.",
      `const oldMean = ${at["runningMean"]!};`,
      `const oldVariance = ${at["runningVariance"]!};`,
      `${mean!} = centre;`,
      `${variance!} = spread;`,
      `${nextMean!} = (1 - momentum) * oldMean + momentum * centre;`,
      `${nextVariance!} = (1 - momentum) * oldVariance + momentum * spread${attrs.unbiased ? " * correction" : ""};`,
    ]),
  ];
  const name = attrs.unbiased ? "batch_statistics" : "batch_statistics_biased";
  return call.finish(name, ["Mean and variance of each channel; the running ones moved toward them."], body);
};

const batch_norm_grad: TsKernel<"batch_norm_grad"> = ({ operands, attrs, results }, naming) => {
  const { grad, x, ...vectors } = operands;
  const call = new CallBuilder(naming);
  const { over, perChannel } = channelLoops(call, x, attrs.axis);
  const [gradAt, xAt] = [call.tensor("grad", grad), call.tensor("x", x)];
  const element = (name: "mean" | "variance" | "weight"): string | undefined => {
    const view = vectors[name];
    return view && `${name}[${sumText(call.tensor(name, view), "c")}]`;
  };
  const [mean, variance, weight] = [element("mean"), element("variance"), element("weight")];
  const outAt = call.tensor("out", results[0]!);
  const names = ["ofMean", "ofVariance", "ofWeight", "ofBias"];
  const given = results
    .slice(1)
    .map((view, index) => `${names[index]!}[${sumText(call.tensor(names[index]!, view), "c")}]`);
  const body = perChannel([
    `const centre = ${mean!};`,
    `const scale = 1 / Math.sqrt(${variance!} + ${numberText(attrs.eps)});`,
    `const slope = ${weight === undefined ? "scale" : `scale * ${weight}`};`,
    "let sum = 0;",
    "let along = 0;",
    ...over([
      `const g = grad[${sumText(gradAt, "i")}];`,
      "sum += g;",
      `along += g * (x[${sumText(xAt, "i")}] - centre) * scale;`,
      `out[${sumText(outAt, "i")}] = g * slope;`,
    ]),
    `${given[0]!} = -sum * slope;`,
    `${given[1]!} = -0.5 * along * slope * scale;`,
    `${given[2]!} = along;`,
    `${given[3]!} = sum;`,
  ]);
  const name = weight === undefined ? "batch_norm_grad" : "batch_norm_grad_weight";
  return call.finish(name, ["The gradients of a batch norm, a channel at a time."], body);
};

const batch_statistics_grad: TsKernel<"batch_statistics_grad"> = ({ operands, attrs, results }, naming) => {
  const { x, mean, grad_mean, grad_variance } = operands;
  const call = new CallBuilder(naming);
  const { over, perChannel } = channelLoops(call, x, attrs.axis);
  const xAt = call.tensor("x", x);
  const [centre, ofMean, ofVariance] = Object.entries({
    mean,
    ofMean: grad_mean,
    ofVariance: grad_variance,
  }).map(([name, view]) => `${name}[${sumText(call.tensor(name, view), "c")}]`);
  const outAt = call.tensor("out", onlyView(results));
  const body = [
    "const count = outer * inner;",
    ...perChannel([
      `const centre = ${centre!};`,
      `const shift = ${ofMean!} / count;`,
      `const slope = (2 * ${ofVariance!}) / count;`,
      ...over([`out[${sumText(outAt, "i")}] = shift + slope * (x[${sumText(xAt, "i")}] - centre);`]),
    ]),
  ];
  return call.finish("batch_statistics_grad", ["The gradient of each channel's mean and variance."], body);
};

export const gradientNormKernels = { batch_norm_grad, batch_statistics, batch_statistics_grad, norm_grad };
