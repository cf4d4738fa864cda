import type { View } from "../../../kernels/view.ts";
import type { StepOf } from "../../../plan/plan.ts";
import { isFloat } from "../../../tensor/dtype.ts";
import { productOfDims, type Dim } from "../../../tensor/dim.ts";
import type { Code } from "../../../support/text.ts";
import { CallBuilder, type Naming } from "../call.ts";
import type { HelperName } from "../helpers/table.ts";
import { forLoop } from "../../module/text.ts";
import { walk } from "../walk.ts";
import type { TsKernel } from "./kernel.ts";
import { onlyView } from "../../../kernels/results.ts";

type Reduction = "reduce_sum" | "reduce_mean" | "reduce_max" | "reduce_min";

interface Fold {
  readonly start: (view: View) => string;
  readonly fold: (element: string) => string;
  readonly finish: string;
}

const extreme = (sign: "" | "-", wins: string): Fold => ({
  start: (view) =>
    isFloat(view.type.dtype) ? `${sign}Infinity` : sign === "-" ? "-2147483648" : "2147483647",
  fold: (element) => `result = Math.${wins}(result, ${element});`,
  finish: "result",
});

const total = (finish: string): Fold => ({
  start: () => "0",
  fold: (element) => `result += ${element};`,
  finish,
});

const folds: { readonly [K in Reduction]: Fold } = {
  reduce_sum: total("result"),
  reduce_mean: total("result / elements"),
  reduce_max: extreme("-", "max"),
  reduce_min: extreme("", "min"),
};

/** Loops over the axes that stay around loops over those that are folded. */
const reduction =
  <K extends Reduction>(op: K): TsKernel<K> =>
  ({ operands, attrs, results }: StepOf<Reduction>, naming: Naming) => {
    const { x } = operands;
    const { start, fold, finish } = folds[op];
    const call = new CallBuilder(naming);
    const out = onlyView(results);
    const folded = new Set(attrs.axes);
    const pick = <T>(list: readonly T[], kept: boolean): T[] =>
      list.filter((_, axis) => folded.has(axis) !== kept);
    const outStrides = attrs.keep ? pick(out.strides, true) : out.strides;
    const xAt = call.tensor("x", x);
    const outAt = call.tensor("out", out);
    if (op === "reduce_mean") call.size("elements", productOfDims(pick(x.type.shape, false)));
    const kept = pick(x.type.shape, true);
    const outer = walk(call, kept, [
      { name: "x", start: xAt, strides: pick(x.strides, true) },
      { name: "out", start: outAt, strides: outStrides },
    ]);
    const inner = walk(
      call,
      pick(x.type.shape, false),
      [{ name: "x", start: "from", strides: pick(x.strides, false) }],
      "folded",
    );
    const body = outer.loops(([x0, out0]) => [
      `const from = ${x0!};`,
      `let result = ${start(x)};`,
      ...inner.loops(([at]) => [fold(`x[${at!}]`)]),
      `out[${out0!}] = ${finish};`,
    ]);
    return call.finish(op, [`The ${op.slice("reduce_".length)} over some axes.`], body);
  };

const reductions: { readonly [K in Reduction]: TsKernel<K> } = {
  reduce_sum: reduction("reduce_sum"),
  reduce_mean: reduction("reduce_mean"),
  reduce_max: reduction("reduce_max"),
  reduce_min: reduction("reduce_min"),
};

/** Lines for each line of x along an axis; `x(i)` and `out(i)` are its elements. */
function alongAxis(
  name: string,
  doc: string,
  views: { readonly x: View; readonly out: View; readonly axis: number },
  naming: Naming,
  helpers: readonly HelperName[],
  lines: (x: (index: string) => string, out: (index: string) => string) => readonly Code[],
) {
  const { x, out } = views;
  const axis = views.axis < 0 ? views.axis + x.type.shape.length : views.axis;
  const call = new CallBuilder(naming);
  const others = <T>(list: readonly T[]): T[] => list.filter((_, at) => at !== axis);
  call.size("length", x.type.shape[axis]!);
  call.helpers(helpers);
  const xAt = call.tensor("x", x);
  call.size("xStride", x.strides[axis]!);
  const outAt = call.tensor("out", out);
  call.size("outStride", out.strides[axis]!);
  const { loops } = walk(
    call,
    others<Dim>(x.type.shape),
    [
      { name: "x", start: xAt, strides: others(x.strides) },
      { name: "out", start: outAt, strides: others(out.strides) },
    ],
    "line",
  );
  const body = loops(([from, to]) => [
    `const from = ${from!};`,
    `const to = ${to!};`,
    ...lines(
      (index) => `x[from + ${index} * xStride]`,
      (index) => `out[to + ${index} * outStride]`,
    ),
  ]);
  return call.finish(name, [doc], body);
}

const cumsum: TsKernel<"cumsum"> = ({ operands: { x }, attrs: { axis }, results }, naming) =>
  alongAxis(
    "cumsum",
    "Running sums along an axis.",
    { x, out: onlyView(results), axis },
    naming,
    [],
    (from, to) => ["let sum = 0;", ...forLoop("c", "length", [`sum += ${from("c")};`, `${to("c")} = sum;`])],
  );

const softmax: TsKernel<"softmax"> = ({ operands: { x }, attrs: { axis }, results }, naming) =>
  alongAxis(
    "softmax",
    "e^x / Σ e^x along an axis.",
    { x, out: onlyView(results), axis },
    naming,
    ["exp"],
    (from, to) => [
      "let largest = -Infinity;",
      ...forLoop("c", "length", [`largest = Math.max(largest, ${from("c")});`]),
      "let sum = 0;",
      ...forLoop("c", "length", [
        `const power = exp(${from("c")} - largest);`,
        `${to("c")} = power;`,
        "sum += power;",
      ]),
      ...forLoop("c", "length", [`${to("c")} /= sum;`]),
    ],
  );

const log_softmax: TsKernel<"log_softmax"> = ({ operands: { x }, attrs: { axis }, results }, naming) =>
  alongAxis(
    "log_softmax",
    "x - log Σ e^x along an axis.",
    { x, out: onlyView(results), axis },
    naming,
    ["exp"],
    (from, to) => [
      "let largest = -Infinity;",
      ...forLoop("c", "length", [`largest = Math.max(largest, ${from("c")});`]),
      "let sum = 0;",
      ...forLoop("c", "length", [`sum += exp(${from("c")} - largest);`]),
      "const log = Math.log(sum);",
      ...forLoop("c", "length", [`${to("c")} = ${from("c")} - largest - log;`]),
    ],
  );

export const reduceKernels = { ...reductions, cumsum, log_softmax, softmax };
