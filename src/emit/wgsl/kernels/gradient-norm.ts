import type { Code } from "../../../support/text.ts";
import { dim, multiplyDims, productOfDims } from "../../../tensor/dim.ts";
import { KernelBuilder } from "../builder.ts";
import type { Tensor } from "../given.ts";
import type { Context, Dispatch, WgslKernel } from "../kernel.ts";
import type { StepOf } from "../../../plan/plan.ts";
import { floatText, forLoop, ifThen } from "../text.ts";
import { eachRow, places } from "../walk.ts";
import { declareFold, heldBy, lanesFor, overRow } from "./row.ts";
import { normText } from "./row-norm.ts";

type NormGrad = StepOf<"norm_grad">;

/** What the first stage leaves of each row, under the names that `normText` gives them. */
const leftOf = (norm: NormGrad["attrs"]["norm"]): readonly string[] =>
  norm === "layer" ? ["mean", "drift", "scale"] : ["scale"];

/**
 * By rows: the gradient of x, and for a weight the statistics of each row. Then, if there are vectors, by columns: their
 * gradients, summed over the rows.
 */
export const norm_grad: WgslKernel<"norm_grad"> = (step, context) => {
  const hasVectors = step.results.length > 1;
  return [
    normRows(step, step.operands.weight !== undefined, context),
    ...(hasVectors ? [normColumns(step, context)] : []),
  ];
};

function normRows({ operands, attrs, results }: NormGrad, leaves: boolean, context: Context): Dispatch {
  const { grad, x, weight, carried } = operands;
  const { norm, eps, unit_offset: unitOffset } = attrs;
  const builder = new KernelBuilder(context);
  const out = results[0]!;
  const width = x.type.shape.at(-1)!;
  const leading = x.type.shape.slice(0, -1);
  const names = leftOf(norm);
  const left = leaves ? builder.scratch(multiplyDims(productOfDims(leading), dim(names.length))) : undefined;
  const tensors = builder.tensors({ grad, x, weight, carried }, { out });
  const lanes = lanesFor(width);
  const each = eachRow(builder, leading);
  const moving = { grad, x, out, ...(carried && { carried }) };
  const rows = places(
    builder,
    "row",
    leading,
    Object.entries(moving).map(([name, view]) => ({ name, strides: view.strides.slice(0, -1) })),
  );
  builder.size("width", width);
  const held = heldBy(lanes, width);
  const place = `i / ${lanes}u`;
  const [loadX, loadGrad] = [tensors.x.at("x_row + i"), tensors.grad.at("grad_row + i")];
  const [element, gradient] =
    held === undefined ? [loadX, loadGrad] : [`held_x[${place}]`, `held_grad[${place}]`];
  const { lines, normalized } = normText({
    kind: norm,
    eps,
    builder,
    lanes,
    element: { lines: [], text: element },
  });
  const factor =
    tensors.weight && (unitOffset ? `(1.0 + ${tensors.weight.at("i")})` : tensors.weight.at("i"));
  const scaled = factor === undefined ? gradient : `${gradient} * ${factor}`;
  const sums = declareFold(builder, "sums", lanes);
  const turn = norm === "l2" ? `select(0.0, sums.y, scale < ${floatText(1 / eps)})` : "sums.y / f32(width)";
  const shift = norm === "layer" ? " - shift" : "";
  const body: Code[] = [
    ...each.lines,
    ...rows.lines,
    ...Object.keys(moving).map((name, index) => `let ${name}_row = ${rows.at[index]!};`),
    ...(held === undefined
      ? []
      : [
          `var held_x: array<f32, ${held}>;`,
          `var held_grad: array<f32, ${held}>;`,
          ...overRow(lanes, "width", [`held_x[${place}] = ${loadX};`, `held_grad[${place}] = ${loadGrad};`]),
        ]),
    ...lines,
    "var own_sums = vec2f();",
    ...overRow(lanes, "width", [`let h = ${scaled};`, `own_sums += vec2f(h, h * (${normalized(element)}));`]),
    `let sums = ${sums("own_sums")};`,
    ...(norm === "layer" ? ["let shift = sums.x / f32(width);"] : []),
    `let turn = ${turn};`,
    ...overRow(lanes, "width", [
      `let normed = ${normalized(element)};`,
      tensors.out.put(
        "out_row + i",
        `scale * (${scaled}${shift} - normed * turn)${tensors.carried ? ` + ${tensors.carried.at("carried_row + i")}` : ""}`,
      ),
    ]),
    ...(left === undefined
      ? []
      : ifThen(
          "lane == 0u",
          names.map((name, index) => left.put(`row * ${names.length}u + ${index}u`, name)),
        )),
  ];
  const words = [
    ...(weight === undefined ? [] : [unitOffset ? "unit_weight" : "weight"]),
    ...(carried === undefined ? [] : ["carried"]),
  ];
  const more = carried === undefined ? "" : ", plus what its input carries on";
  return builder.finish({
    stage: 0,
    name: [`${norm}_norm_grad`, ...words].join("_"),
    doc: [`The gradient of a ${norm} norm of each row${more}. A row a workgroup.`],
    body,
    workgroup: [lanes],
    groups: each.groups,
  });
}

/** Columns of a workgroup, and the invocations that share the rows of each. */
const COLUMNS = 32;
const SHARES = 8;

function normColumns({ operands, attrs, results }: NormGrad, context: Context): Dispatch {
  const { grad, x, weight } = operands;
  const builder = new KernelBuilder(context);
  const leading = x.type.shape.slice(0, -1);
  const names = leftOf(attrs.norm);
  const [ofWeight, ofBias] = [
    weight === undefined ? undefined : results[1]!,
    attrs.bias ? results.at(-1)! : undefined,
  ];
  const left = ofWeight && builder.leftBefore(multiplyDims(productOfDims(leading), dim(names.length)));
  const tensors = builder.tensors({ grad, x: ofWeight && x }, { of_weight: ofWeight, of_bias: ofBias });
  const walked = { grad, ...(ofWeight && { x }) };
  const rows = places(
    builder,
    "row",
    leading,
    Object.entries(walked).map(([name, view]) => ({ name, strides: view.strides.slice(0, -1) })),
  );
  const count = builder.size("rows", productOfDims(leading));
  const width = builder.size("width", x.type.shape.at(-1)!);
  builder.builtin("group", "lane");
  builder.shared("partials", "vec2f", COLUMNS * SHARES);
  const normed = attrs.norm === "layer" ? "(element - mean - drift) * scale" : "element * scale";
  const put = (tensor: Tensor | undefined, value: string): string[] =>
    tensor === undefined ? [] : [tensor.put("column", value)];
  const body: Code[] = [
    `let column = group.x * ${COLUMNS}u + lane % ${COLUMNS}u;`,
    `let share = lane / ${COLUMNS}u;`,
    "var sums = vec2f();",
    ...ifThen(
      `column < ${width}`,
      forLoop(
        "row",
        count,
        [
          ...rows.lines,
          `let g = ${tensors.grad.at(`${rows.at[0]!} + column`)};`,
          ...(tensors.x === undefined || left === undefined
            ? ["sums.y += g;"]
            : [
                `let element = ${tensors.x.at(`${rows.at[1]!} + column`)};`,
                ...names.map(
                  (name, index) => `let ${name} = ${left.at(`row * ${names.length}u + ${index}u`)};`,
                ),
                `sums += vec2f(g * (${normed}), g);`,
              ]),
        ],
        { start: "share", step: `${SHARES}u` },
      ),
    ),
    "partials[lane] = sums;",
    "workgroupBarrier();",
    ...ifThen(`share > 0u || column >= ${width}`, ["return;"]),
    "var total = vec2f();",
    ...forLoop("other", `${SHARES}u`, [`total += partials[other * ${COLUMNS}u + lane];`]),
    ...put(tensors.of_weight, "total.x"),
    ...put(tensors.of_bias, "total.y"),
  ];
  const words = [...(ofWeight ? ["weight"] : []), ...(ofBias ? ["bias"] : [])];
  return builder.finish({
    stage: 1,
    name: [`${attrs.norm}_norm_grad_of`, ...words].join("_"),
    doc: [`The gradients of a ${attrs.norm} norm's ${words.join(" and ")}. ${COLUMNS} columns a workgroup.`],
    body,
    workgroup: [COLUMNS * SHARES],
    groups: { kind: "grid", axes: [{ count: x.type.shape.at(-1)!, per: COLUMNS }] },
  });
}
