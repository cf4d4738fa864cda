import type { StepOf } from "../../../plan/plan.ts";
import type { View } from "../../../kernels/view.ts";
import type { Code } from "../../../support/text.ts";
import { dim, multiplyDims, productOfDims, type Dim } from "../../../tensor/dim.ts";
import { elementsOf } from "../../../tensor/type.ts";
import { onlyView } from "../../../kernels/results.ts";
import { KernelBuilder } from "../builder.ts";
import type { Context, Dispatch, WgslKernel } from "../kernel.ts";
import { floatText, forLoop, ifThen } from "../text.ts";
import { eachRow, places } from "../walk.ts";
import { oneGroup } from "./reduce.ts";
import { declareFold, lanesFor, overRow } from "./row.ts";

type Classified = StepOf<"cross_entropy"> | StepOf<"accuracy">;

const LANES = 256;

/** Numbers that the first stage leaves of each row: what it adds, and whether it counts. */
const LEFT = 2;

interface Row {
  readonly builder: KernelBuilder;
  readonly lanes: number;
  readonly logit: (place: string) => string;
}

/** By rows: lines that make `value` in the first invocation. Then the mean of the rows that count. */
function perTarget(
  name: string,
  doc: string,
  { operands: { logits, targets }, attrs: { ignore }, results }: Classified,
  context: Context,
  rowLines: (row: Row) => readonly Code[],
): Dispatch[] {
  const builder = new KernelBuilder(context);
  const rows = productOfDims(targets.type.shape);
  const left = builder.scratch(multiplyDims(rows, dim(LEFT)));
  const tensors = builder.tensors({ logits, targets }, {});
  const lanes = lanesFor(logits.type.shape.at(-1)!);
  const each = eachRow(builder, targets.type.shape);
  builder.size("classes", logits.type.shape.at(-1)!);
  const { lines, at } = places(builder, "row", targets.type.shape, [
    { name: "logits", strides: logits.strides.slice(0, -1) },
    { name: "targets", strides: targets.strides },
  ]);
  const byRows = builder.finish({
    stage: 0,
    name: `${name}_rows`,
    doc: [doc, "A row a workgroup."],
    body: [
      ...each.lines,
      ...lines,
      `let target_class = ${tensors.targets.at(at[1]!)};`,
      `let logits_row = ${at[0]!};`,
      ...(ignore === undefined ? [] : [`let is_ignored = target_class == ${ignore};`]),
      ...rowLines({ builder, lanes, logit: (place) => tensors.logits.at(`logits_row + ${place}`) }),
      ...ifThen("lane == 0u", [
        left.put(`row * ${LEFT}u`, ignore === undefined ? "value" : "select(value, 0.0, is_ignored)"),
        left.put(`row * ${LEFT}u + 1u`, ignore === undefined ? "1.0" : "select(1.0, 0.0, is_ignored)"),
      ]),
    ],
    workgroup: [lanes],
    groups: each.groups,
  });
  return [byRows, meanOfRows(name, rows, onlyView(results), context)];
}

function meanOfRows(name: string, rows: Dim, result: View, context: Context): Dispatch {
  const builder = new KernelBuilder(context);
  const left = builder.leftBefore(multiplyDims(rows, dim(LEFT)));
  const { out } = builder.tensors({}, { out: result });
  const sums = declareFold(builder, "sums", LANES);
  const [value, counts] = [left.at(`i * ${LEFT}u`), left.at(`i * ${LEFT}u + 1u`)];
  return builder.finish({
    stage: 1,
    name: "mean_of_rows",
    doc: [`What ${name} is of all rows that count. One workgroup.`],
    body: [
      "var own = vec2f();",
      ...overRow(LANES, builder.size("rows", rows), [`own += vec2f(${value}, ${counts});`]),
      `let all = ${sums("own")};`,
      ...ifThen("lane == 0u", [out.put("0u", "all.x / all.y")]),
    ],
    workgroup: [LANES],
    groups: oneGroup,
  });
}

const cross_entropy: WgslKernel<"cross_entropy"> = (step, context) => {
  const { smoothing } = step.attrs;
  const smooths = smoothing !== 0;
  const doc = "-log softmax(logits)[target] of each row that counts.";
  return perTarget("cross_entropy", doc, step, context, ({ builder, lanes, logit }) => {
    const [sum, max] = [declareFold(builder, "sum", lanes), declareFold(builder, "max", lanes)];
    builder.helper("safe_exp", "safe_log");
    const plain = `logarithm - ${logit("u32(target_class)")}`;
    const smoothed = `${floatText(1 - smoothing)} * (${plain}) + ${floatText(smoothing)} * (logarithm - all_logits / f32(classes))`;
    const value = smooths ? smoothed : plain;
    return [
      "var own_largest = -3.4e38;",
      ...overRow(lanes, "classes", [`own_largest = max(own_largest, ${logit("i")});`]),
      `let largest = ${max("own_largest")};`,
      "var own_powers = 0.0;",
      ...(smooths ? ["var own_logits = 0.0;"] : []),
      ...overRow(lanes, "classes", [
        `own_powers += safe_exp(${logit("i")} - largest);`,
        ...(smooths ? [`own_logits += ${logit("i")};`] : []),
      ]),
      `let logarithm = largest + safe_log(${sum("own_powers")});`,
      ...(smooths ? [`let all_logits = ${sum("own_logits")};`] : []),
      `let value = ${value};`,
    ];
  });
};

/** Of equal logits the first is the largest. */
const accuracy: WgslKernel<"accuracy"> = (step, context) => {
  const doc = "1 for each row whose largest logit is at the target.";
  return perTarget("accuracy", doc, step, context, ({ builder, lanes, logit }) => {
    builder.shared("places", "i32", lanes);
    builder.shared("largest", "f32", lanes);
    return [
      "var best = min(lane, classes - 1u);",
      `var best_logit = ${logit("best")};`,
      ...overRow(
        lanes,
        "classes",
        ifThen(`${logit("i")} > best_logit`, ["best = i;", `best_logit = ${logit("i")};`]),
      ),
      "places[lane] = i32(best);",
      "largest[lane] = best_logit;",
      "workgroupBarrier();",
      ...ifThen("lane > 0u", ["return;"]),
      "var place = places[0];",
      "var found = largest[0];",
      ...forLoop(
        "other",
        `${lanes}u`,
        ifThen("largest[other] > found || (largest[other] == found && places[other] < place)", [
          "place = places[other];",
          "found = largest[other];",
        ]),
        { start: "1u" },
      ),
      "let value = select(0.0, 1.0, place == target_class);",
    ];
  });
};

const mean_squared_error: WgslKernel<"mean_squared_error"> = ({ operands: { x, y }, results }, context) => {
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

export const lossKernels = { accuracy, cross_entropy, mean_squared_error };
