import type { StepOf } from "../../../plan/plan.ts";
import type { Code } from "../../../support/text.ts";
import { dim, productOfDims } from "../../../tensor/dim.ts";
import { elementsOf } from "../../../tensor/type.ts";
import { onlyView } from "../../ts/kernels/result.ts";
import { KernelBuilder } from "../builder.ts";
import type { Context, Dispatch, Groups, WgslKernel } from "../kernel.ts";
import { floatText, forLoop, ifThen } from "../text.ts";
import { places } from "../walk.ts";
import { declareFold, overRow } from "./row.ts";

type Classified = StepOf<"cross_entropy"> | StepOf<"accuracy">;

const LANES = 256;

/** A loss is one number: one workgroup makes it. */
const oneGroup: Groups = { kind: "list", count: dim(1), per: 1 };

/** Lines for each row of logits and its target, which add to `total` and `counted`; the result is their quotient. */
function perTarget(
  name: string,
  doc: string,
  { operands: { logits, targets }, results }: Classified,
  context: Context,
  rowLines: (logit: (place: string) => string) => readonly Code[],
): Dispatch {
  const builder = new KernelBuilder(context);
  const out = onlyView(results);
  const tensors = builder.tensors({ logits, targets }, { out });
  const rows = builder.size("rows", productOfDims(targets.type.shape));
  builder.size("classes", logits.type.shape.at(-1)!);
  const sum = declareFold(builder, "sum", LANES);
  const { lines, at } = places(builder, "i", targets.type.shape, [
    { name: "logits", strides: logits.strides.slice(0, -1) },
    { name: "targets", strides: targets.strides },
  ]);
  const body = [
    "var total = 0.0;",
    "var counted = 0.0;",
    ...overRow(LANES, rows, [
      ...lines,
      `let target_class = ${tensors.targets.at(at[1]!)};`,
      `let logits_row = ${at[0]!};`,
      ...rowLines((place) => tensors.logits.at(`logits_row + ${place}`)),
      "counted += 1.0;",
    ]),
    `let all = ${sum("total")};`,
    `let rows_counted = ${sum("counted")};`,
    ...ifThen("lane == 0u", [tensors.out.put("0u", "all / rows_counted")]),
  ];
  return builder.finish({
    name,
    doc: [doc, "One workgroup, a row an invocation at a time."],
    body,
    workgroup: [LANES],
    groups: oneGroup,
  });
}

export const cross_entropy: WgslKernel<"cross_entropy"> = (step, context) => {
  const { smoothing, ignore } = step.attrs;
  const smooths = smoothing !== 0;
  const doc = "The mean of -log softmax(logits)[target] over the rows that count.";
  const dispatch = perTarget("cross_entropy", doc, step, context, (logit) => [
    ...(ignore === undefined ? [] : ifThen(`target_class == ${ignore}`, ["continue;"])),
    "var largest = -3.4e38;",
    ...forLoop("c", "classes", [`largest = max(largest, ${logit("c")});`]),
    "var powers = 0.0;",
    ...(smooths ? ["var logits_sum = 0.0;"] : []),
    ...forLoop("c", "classes", [
      `powers += exp(${logit("c")} - largest);`,
      ...(smooths ? [`logits_sum += ${logit("c")};`] : []),
    ]),
    "let logarithm = largest + log(powers);",
    smooths
      ? `total += ${floatText(1 - smoothing)} * (logarithm - ${logit("u32(target_class)")}) + ${floatText(smoothing)} * (logarithm - logits_sum / f32(classes));`
      : `total += logarithm - ${logit("u32(target_class)")};`,
  ]);
  return [dispatch];
};

export const accuracy: WgslKernel<"accuracy"> = (step, context) => {
  const doc = "The share of rows whose largest logit is at the target.";
  const dispatch = perTarget("accuracy", doc, step, context, (logit) => [
    "var best = 0u;",
    ...forLoop("c", "classes", ifThen(`${logit("c")} > ${logit("best")}`, ["best = c;"])),
    ...ifThen("i32(best) == target_class", ["total += 1.0;"]),
  ]);
  return [dispatch];
};

export const mean_squared_error: WgslKernel<"mean_squared_error"> = (
  { operands: { x, y }, results },
  context,
) => {
  const builder = new KernelBuilder(context);
  const out = onlyView(results);
  const tensors = builder.tensors({ x, y }, { out });
  const count = builder.size("count", elementsOf(x.type));
  const sum = declareFold(builder, "sum", LANES);
  const body = [
    "var total = 0.0;",
    ...overRow(LANES, count, [`let d = ${tensors.x.at("i")} - ${tensors.y.at("i")};`, "total += d * d;"]),
    `let all = ${sum("total")};`,
    ...ifThen("lane == 0u", [tensors.out.put("0u", `all / f32(${count})`)]),
  ];
  const doc = ["The mean of (x - y)².", "One workgroup."];
  return [builder.finish({ name: "mean_squared_error", doc, body, workgroup: [LANES], groups: oneGroup })];
};
