import { rowStride } from "../../../kernels/view.ts";
import { invariant } from "../../../support/invariant.ts";
import { dim, productOfDims } from "../../../tensor/dim.ts";
import { elementsOf } from "../../../tensor/type.ts";
import { CallBuilder } from "../call.ts";
import { block, forLoop, numberText, sumText } from "../../module/text.ts";
import { walk, walkedRows, walkedTensor } from "../walk.ts";
import type { TsKernel } from "./kernel.ts";
import { onlyView } from "../../../kernels/results.ts";

/** The same elements at every run with the same key, and the same as on other targets. */
const dropout: TsKernel<"dropout"> = ({ operands: { x, key }, attrs, results }, naming) => {
  const call = new CallBuilder(naming);
  call.size("count", elementsOf(x.type));
  const xAt = call.tensor("x", x);
  const keyAt = key && call.tensor("key", key);
  const outAt = call.tensor("out", onlyView(results));
  const [from, to] = [sumText(xAt, "i"), sumText(outAt, "i")];
  if (keyAt === undefined)
    return call.finish(
      "keep",
      ["Dropout that drops nothing."],
      forLoop("i", "count", [`out[${to}] = x[${from}];`]),
    );
  call.helper("threefry");
  call.number("stream", String(attrs.stream));
  call.number("threshold", String(Math.floor(attrs.rate * 2 ** 32)));
  call.number("scale", numberText(1 / (1 - attrs.rate)));
  const body = [
    `const seed = key[${keyAt}];`,
    `const step = key[${sumText(keyAt, "1")}];`,
    ...forLoop("i", "count", [
      `out[${to}] = threefry(seed, stream, i, step) >= threshold ? x[${from}] * scale : 0;`,
    ]),
  ];
  return call.finish("dropout", ["Zeros where Threefry says so, the rest scaled up."], body);
};

const embedding_grad: TsKernel<"embedding_grad"> = ({ operands: { grad, ids }, results }, naming) => {
  const call = new CallBuilder(naming);
  const out = onlyView(results);
  call.size("entries", out.type.shape[0]!);
  call.size("width", out.type.shape[1]!);
  const outAt = call.tensor("out", out);
  const walked = [walkedTensor(call, "ids", ids), walkedRows(call, "grad", grad)];
  const { loops } = walk(call, ids.type.shape, walked);
  const body = [
    `out.fill(0, ${outAt}, ${sumText(outAt, "entries * width")});`,
    ...loops(([idAt, gradAt]) => [
      `const id = ids[${idAt!}];`,
      ...block("if (!(id >= 0 && id < entries)) {", [
        "throw new InputError(`the id ${id} is not in a table of ${entries} rows (0 to ${entries - 1})`);",
      ]),
      `const gradRow = ${gradAt!};`,
      `const row = ${sumText(outAt, "id * width")};`,
      ...forLoop("c", "width", ["out[row + c] += grad[gradRow + c];"]),
    ]),
  ];
  return call.finish("embedding_grad", ["The rows of the gradient added up by id."], body);
};

/** A product over the rows: out = aᵀ x, where a is the gradient, or x itself for a weight that lies the other way. */
const linear_weight_grad: TsKernel<"linear_weight_grad"> = (
  { operands, attrs: { layout }, results },
  naming,
) => {
  const [a, x] = layout === "out_in" ? [operands.grad, operands.x] : [operands.x, operands.grad];
  const [aStep, xStep] = [a, x].map((view) => (view.type.shape.length < 2 ? dim(0) : rowStride(view)));
  invariant(aStep !== undefined && xStep !== undefined, "rows of a view have no one stride");
  const call = new CallBuilder(naming);
  call.size("rows", productOfDims(x.type.shape.slice(0, -1)));
  call.size("outer", a.type.shape.at(-1)!);
  call.size("inner", x.type.shape.at(-1)!);
  const aAt = call.tensor("a", a);
  call.size("aStep", aStep);
  const xAt = call.tensor("x", x);
  call.size("xStep", xStep);
  const outAt = call.tensor("out", onlyView(results));
  call.helper("multiply");
  const body = `multiply(outer, inner, rows, a, ${aAt}, 1, aStep, x, ${xAt}, 1, xStep, out, ${outAt}, inner);`;
  return call.finish("weight_grad", ["out = aᵀ x, summed over the rows."], [body]);
};

const cross_entropy_grad: TsKernel<"cross_entropy_grad"> = (
  { operands: { grad, logits, targets }, attrs: { smoothing, ignore }, results },
  naming,
) => {
  const call = new CallBuilder(naming);
  call.size("classes", logits.type.shape.at(-1)!);
  call.helper("exp");
  const gradAt = call.tensor("grad", grad);
  const out = onlyView(results);
  const walked = [
    walkedRows(call, "logits", logits),
    walkedTensor(call, "targets", targets),
    walkedRows(call, "out", out),
  ];
  const count = walk(call, targets.type.shape, [walked[1]!], "all");
  const { loops } = walk(call, targets.type.shape, walked, "row");
  const share = smoothing === 0 ? "" : ` - ${numberText(smoothing)} / classes`;
  const body = [
    "let counted = 0;",
    ...count.loops(([at]) => [
      `const target = targets[${at!}];`,
      ...(ignore === undefined ? [] : [`if (target === ${ignore}) continue;`]),
      "if (!(target >= 0 && target < classes)) throw new InputError(`the target ${target} is not among ${classes} classes (0 to ${classes - 1})`);",
      "counted++;",
    ]),
    `const factor = grad[${gradAt}] / counted;`,
    ...loops(([logitsAt, targetAt, outAt]) => [
      `const from = ${logitsAt!};`,
      `const to = ${outAt!};`,
      `const target = targets[${targetAt!}];`,
      ...(ignore === undefined
        ? []
        : block(`if (target === ${ignore}) {`, ["out.fill(0, to, to + classes);", "continue;"])),
      "let largest = -Infinity;",
      ...forLoop("c", "classes", ["largest = Math.max(largest, logits[from + c]);"]),
      "let sum = 0;",
      ...forLoop("c", "classes", ["sum += exp(logits[from + c] - largest);"]),
      ...forLoop("c", "classes", [`out[to + c] = factor * (exp(logits[from + c] - largest) / sum${share});`]),
      `out[to + target] -= factor * ${numberText(1 - smoothing)};`,
    ]),
  ];
  return call.finish(
    "cross_entropy_grad",
    ["softmax(logits) less the targets, over the rows that count."],
    body,
  );
};

const take: TsKernel<"take"> = ({ operands: { x, indices }, results }, naming) => {
  const call = new CallBuilder(naming);
  call.size("size", x.type.shape.at(-1)!);
  call.size("count", indices.type.shape.at(-1)!);
  const walked = [
    walkedRows(call, "x", x),
    walkedRows(call, "indices", indices),
    walkedRows(call, "out", onlyView(results)),
  ];
  const { loops } = walk(call, indices.type.shape.slice(0, -1), walked, "row");
  const body = loops(([xAt, indicesAt, outAt]) =>
    forLoop("c", "count", [
      `const index = indices[${sumText(indicesAt!, "c")}];`,
      "if (!(index >= 0 && index < size)) throw new InputError(`the index ${index} has no place in an axis of ${size}`);",
      `out[${sumText(outAt!, "c")}] = x[${sumText(xAt!, "index")}];`,
    ]),
  );
  return call.finish("take", ["Elements of each row by their indices."], body);
};

const extent: TsKernel<"extent"> = ({ attrs: { size }, results }, naming) => {
  const call = new CallBuilder(naming);
  call.size("size", size);
  return call.finish(
    "extent",
    ["A size as a number."],
    [`out[${call.tensor("out", onlyView(results))}] = size;`],
  );
};

export const gradientKernels = {
  cross_entropy_grad,
  dropout,
  embedding_grad,
  extent,
  linear_weight_grad,
  take,
};
