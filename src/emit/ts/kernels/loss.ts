import type { Code } from "../../../support/text.ts";
import { elementsOf } from "../../../tensor/type.ts";
import type { StepOf } from "../../../plan/plan.ts";
import { CallBuilder, type Call, type Naming } from "../call.ts";
import type { HelperName } from "../helpers/table.ts";
import { block, forLoop, numberText, sumText } from "../../module/text.ts";
import { walk, walkedRows, walkedTensor } from "../walk.ts";
import type { TsKernel } from "./kernel.ts";
import { onlyView } from "../../../kernels/results.ts";

type Classified = StepOf<"cross_entropy"> | StepOf<"accuracy">;

/** Lines for each row of logits and its target that counts, between what comes before and after all rows. */
function perTarget(
  name: string,
  doc: string,
  { operands: { logits, targets }, attrs, results }: Classified,
  naming: Naming,
  lines: {
    readonly before: readonly Code[];
    readonly row: readonly Code[];
    readonly result: string;
    readonly helpers: readonly HelperName[];
  },
): Call {
  const call = new CallBuilder(naming);
  call.size("classes", logits.type.shape.at(-1)!);
  call.helpers(lines.helpers);
  const { ignore } = attrs;
  const counted = [checkTarget, ...lines.row, "counted++;"];
  const walked = [walkedRows(call, "logits", logits), walkedTensor(call, "targets", targets)];
  const outAt = call.tensor("out", onlyView(results));
  const { loops } = walk(call, targets.type.shape, walked, "row");
  const body = loops(([logitsAt, targetAt]) => [
    `const from = ${logitsAt!};`,
    `const target = targets[${targetAt!}];`,
    ...(ignore === undefined ? counted : block(`if (target !== ${ignore}) {`, counted)),
  ]);
  return call.finish(
    name,
    [doc],
    [...lines.before, "let counted = 0;", ...body, `out[${outAt}] = ${lines.result};`],
  );
}

const checkTarget =
  "if (!(target >= 0 && target < classes)) throw new InputError(`the target ${target} is not among ${classes} classes (0 to ${classes - 1})`);";

const cross_entropy: TsKernel<"cross_entropy"> = (step, naming) => {
  const { smoothing } = step.attrs;
  const smooths = smoothing !== 0;
  const row = [
    "let largest = -Infinity;",
    ...forLoop("c", "classes", ["largest = Math.max(largest, logits[from + c]);"]),
    "let sum = 0;",
    ...(smooths ? ["let all = 0;"] : []),
    ...forLoop("c", "classes", [
      "sum += exp(logits[from + c] - largest);",
      ...(smooths ? ["all += logits[from + c];"] : []),
    ]),
    "const log = largest + Math.log(sum);",
    smooths
      ? `loss += ${numberText(1 - smoothing)} * (log - logits[from + target]) + ${numberText(smoothing)} * (log - all / classes);`
      : "loss += log - logits[from + target];",
  ];
  const doc = "The mean of -log softmax(logits)[target] over the rows that count.";
  const lines = {
    before: ["let loss = 0;"],
    row,
    result: "loss / counted",
    helpers: ["exp"] as const,
  };
  return perTarget("cross_entropy", doc, step, naming, lines);
};

const accuracy: TsKernel<"accuracy"> = (step, naming) => {
  const row = [
    "let best = 0;",
    ...forLoop("c", "classes", ["if (logits[from + c] > logits[from + best]) best = c;"]),
    "if (best === target) right++;",
  ];
  const doc = "The share of the rows that count whose largest logit is at the target.";
  const lines = {
    before: ["let right = 0;"],
    row,
    result: "right / counted",
    helpers: [],
  };
  return perTarget("accuracy", doc, step, naming, lines);
};

const mean_squared_error: TsKernel<"mean_squared_error"> = ({ operands: { x, y }, results }, naming) => {
  const call = new CallBuilder(naming);
  call.size("count", elementsOf(x.type));
  const xAt = call.tensor("x", x);
  const yAt = call.tensor("y", y);
  const outAt = call.tensor("out", onlyView(results));
  const body = [
    "let sum = 0;",
    ...forLoop("i", "count", [
      `const d = x[${sumText(xAt, "i")}] - y[${sumText(yAt, "i")}];`,
      "sum += d * d;",
    ]),
    `out[${outAt}] = sum / count;`,
  ];
  return call.finish("mean_squared_error", ["The mean of (x - y)²."], body);
};

export const lossKernels = { accuracy, cross_entropy, mean_squared_error };
