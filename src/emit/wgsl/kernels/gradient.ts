import type { Code } from "../../../support/text.ts";
import { constantDim } from "../../../tensor/dim.ts";
import { elementsOf } from "../../../tensor/type.ts";
import { onlyView } from "../../../kernels/results.ts";
import { KernelBuilder } from "../builder.ts";
import type { WgslKernel } from "../kernel.ts";
import { floatText, forLoop, ifThen } from "../text.ts";
import { eachElement, eachRow, LIST_SIZE, places } from "../walk.ts";
import { declareFold, lanesFor, overRow } from "./row.ts";

/** The same elements at every run with the same key, and the same as on other targets: whole numbers decide. */
const dropout: WgslKernel<"dropout"> = ({ operands: { x, key }, attrs, results }, context) => {
  const builder = new KernelBuilder(context);
  const out = onlyView(results);
  const tensors = builder.tensors({ x, key }, { out });
  const each = eachElement(builder, x.type.shape);
  if (tensors.key === undefined) {
    const body = [...each.lines, tensors.out.put("i", tensors.x.at("i"))];
    const doc = ["Dropout that drops nothing."];
    return [builder.finish({ name: "keep", doc, body, workgroup: [LIST_SIZE], groups: each.groups })];
  }
  builder.helper("threefry");
  builder.constant("stream", attrs.stream);
  builder.constant("threshold", Math.floor(attrs.rate * 2 ** 32));
  builder.constant("factor", 1 / (1 - attrs.rate), "f32");
  const body = [
    ...each.lines,
    `let bits = threefry(vec2u(u32(${tensors.key.at("0u")}), stream), vec2u(i, u32(${tensors.key.at("1u")})));`,
    tensors.out.put("i", `select(0.0, ${tensors.x.at("i")} * factor, bits >= threshold)`),
  ];
  const doc = ["Zeros where Threefry says so, the rest scaled up. An element an invocation."];
  return [builder.finish({ name: "dropout", doc, body, workgroup: [LIST_SIZE], groups: each.groups })];
};

/**
 * Zeros, and then a workgroup an id: the first place of an id adds up the rows of all places that have it, in their
 * order, so that no two invocations write one element and every run adds in the same order.
 */
const embedding_grad: WgslKernel<"embedding_grad"> = ({ operands: { grad, ids }, results }, context) => {
  const out = onlyView(results);
  const clear = new KernelBuilder(context);
  const cleared = clear.tensors({}, { out });
  const all = eachElement(clear, [elementsOf(out.type)]);
  const zeros = clear.finish({
    stage: 0,
    name: "clear",
    doc: ["Zeros."],
    body: [...all.lines, cleared.out.put("i", "0.0")],
    workgroup: [LIST_SIZE],
    groups: all.groups,
  });
  const builder = new KernelBuilder(context);
  const tensors = builder.tensors({ grad, ids }, { out });
  const lanes = lanesFor(out.type.shape[1]!);
  const each = eachRow(builder, ids.type.shape);
  const width = builder.size("width", out.type.shape[1]!);
  const own = places(builder, "row", ids.type.shape, [{ name: "ids", strides: ids.strides }]);
  const other = places(builder, "token", ids.type.shape, [
    { name: "ids", strides: ids.strides },
    { name: "grad", strides: grad.strides.slice(0, -1) },
  ]);
  const isSame = `${tensors.ids.at(other.at[0]!)} == id`;
  const body = [
    ...each.lines,
    ...own.lines,
    `let id = ${tensors.ids.at(own.at[0]!)};`,
    ...forLoop("token", "row", [...other.lines, ...ifThen(isSame, ["return;"])]),
    ...overRow(lanes, width, [
      "var sum = 0.0;",
      ...forLoop(
        "token",
        "rows",
        [...other.lines, ...ifThen(isSame, [`sum += ${tensors.grad.at(`${other.at[1]!} + i`)};`])],
        { start: "row" },
      ),
      tensors.out.put(`u32(id) * ${width} + i`, "sum"),
    ]),
  ];
  const doc = [
    "The rows of the gradient added up by id: the first place of an id adds them. A place a workgroup.",
  ];
  const sums = builder.finish({
    stage: 1,
    name: "embedding_grad",
    doc,
    body,
    workgroup: [lanes],
    groups: each.groups,
  });
  return [zeros, sums];
};

/** A workgroup a row. With `ignore` each counts the targets that are not ignored. */
const cross_entropy_grad: WgslKernel<"cross_entropy_grad"> = (
  { operands: { grad, logits, targets }, attrs: { smoothing, ignore }, results },
  context,
) => {
  const builder = new KernelBuilder(context);
  const out = onlyView(results);
  const tensors = builder.tensors({ grad, logits, targets }, { out });
  const classes = logits.type.shape.at(-1)!;
  const lanes = lanesFor(classes);
  const each = eachRow(builder, targets.type.shape);
  const width = builder.size("classes", classes);
  const rows = places(builder, "row", targets.type.shape, [
    { name: "logits", strides: logits.strides.slice(0, -1) },
    { name: "targets", strides: targets.strides },
  ]);
  const all = places(builder, "other", targets.type.shape, [{ name: "targets", strides: targets.strides }]);
  const [sum, max] = [declareFold(builder, "sum", lanes), declareFold(builder, "max", lanes)];
  const logit = tensors.logits.at("logits_row + i");
  const counting: Code[] =
    ignore === undefined
      ? ["let counted = f32(rows);"]
      : [
          "var own_count = 0.0;",
          ...forLoop(
            "other",
            "rows",
            [
              ...all.lines,
              ...ifThen(`${tensors.targets.at(all.at[0]!)} != ${ignore}`, ["own_count += 1.0;"]),
            ],
            { start: "lane", step: `${lanes}u` },
          ),
          `let counted = ${sum("own_count")};`,
        ];
  builder.helper("safe_exp");
  const share = smoothing === 0 ? "" : ` - ${floatText(smoothing)} / f32(${width})`;
  const value = `factor * (exp(${logit} - largest) / total${share} - select(0.0, ${floatText(1 - smoothing)}, i32(i) == target_class))`;
  const body = [
    ...each.lines,
    ...rows.lines,
    `let logits_row = ${rows.at[0]!};`,
    `let target_class = ${tensors.targets.at(rows.at[1]!)};`,
    ...counting,
    `let factor = ${tensors.grad.at("0u")} / counted;`,
    "var own_largest = -3.4e38;",
    ...overRow(lanes, width, [`own_largest = max(own_largest, ${logit});`]),
    `let largest = ${max("own_largest")};`,
    "var own_total = 0.0;",
    ...overRow(lanes, width, [`own_total += safe_exp(${logit} - largest);`]),
    `let total = ${sum("own_total")};`,
    ...overRow(lanes, width, [
      tensors.out.put(
        `row * ${width} + i`,
        ignore === undefined ? value : `select(${value}, 0.0, target_class == ${ignore})`,
      ),
    ]),
  ];
  const doc = ["softmax(logits) less the targets, over the rows that count. A row a workgroup."];
  return [builder.finish({ name: "cross_entropy_grad", doc, body, workgroup: [lanes], groups: each.groups })];
};

const extent: WgslKernel<"extent"> = ({ attrs: { size }, results }, context) => {
  const builder = new KernelBuilder(context);
  const out = onlyView(results);
  const tensors = builder.tensors({}, { out });
  const each = eachElement(builder, out.type.shape);
  const known = constantDim(size);
  const value = known === undefined ? `f32(${builder.size("size", size)})` : floatText(known);
  const body = [...each.lines, tensors.out.put("i", value)];
  const doc = ["A size as a number."];
  return [builder.finish({ name: "extent", doc, body, workgroup: [LIST_SIZE], groups: each.groups })];
};

export const gradientKernels = { cross_entropy_grad, dropout, embedding_grad, extent };
