import type { View } from "../../../kernels/view.ts";
import type { Code } from "../../../support/text.ts";
import { dim } from "../../../tensor/dim.ts";
import { elementsOf, type Shape } from "../../../tensor/type.ts";
import { isUnit, KernelBuilder } from "../builder.ts";
import type { Tensor } from "../given.ts";
import type { Context, Dispatch } from "../kernel.ts";
import { forLoop, ifThen } from "../text.ts";
import { eachElement, LIST_SIZE } from "../walk.ts";
import { Attention, dotLines } from "./attention.ts";
import { leftSize, readLeft, type AttendGrad } from "./gradient-attend-stage.ts";
import { attendWords } from "./scores.ts";

/** Each element of the bias adds up what reaches it from all scores that it was stretched to. */
export function byBias(step: AttendGrad, ofBias: View, number: number, context: Context): Dispatch {
  const { operands, attrs } = step;
  const builder = new KernelBuilder(context);
  const left = builder.leftBefore(leftSize(step));
  const tensors = builder.tensors(operands, { of_bias: ofBias });
  const attention = new Attention(step, tensors, builder, "b");
  const { query, key } = attention;
  const full: Shape = [query.batch.size, query.head.size, query.row.size, key.row.size];
  const own = [...Array.from({ length: 4 - ofBias.type.shape.length }, () => dim(1)), ...ofBias.type.shape];
  const each = eachElement(builder, [elementsOf(ofBias.type)], "element");
  const [lines, loops] = bounds(builder, own, full);
  const body: Code[] = [
    ...each.lines,
    ...lines,
    attention.behind(),
    "var sum = 0.0;",
    ...loops([
      "let position = i32(i) + behind;",
      ...addScore(attention, tensors, readLeft(attention, step, left)),
    ]),
    tensors.of_bias.put("element", "sum"),
  ];
  return builder.finish({
    stage: number,
    name: ["attend_grad_bias", ...attendWords(attrs, operands)].join("_"),
    doc: ["The gradient of attention's bias. An element an invocation."],
    body,
    workgroup: [LIST_SIZE],
    groups: each.groups,
  });
}

/** Adds what reaches the score of query i and key j, if it is seen. */
function addScore(
  attention: Attention,
  { q, k, v, grad }: Readonly<Record<"q" | "k" | "v" | "grad", Tensor>>,
  { line, probability, mean }: ReturnType<typeof readLeft>,
): Code[] {
  const { sizes, score } = attention;
  const lines: Code[] = [
    `let g = h / (${sizes.heads} / ${sizes.keyHeads});`,
    `let q_at = ${attention.place("q", q, "i")};`,
    `let k_at = ${attention.place("k", k, "j")};`,
    `let v_at = ${attention.place("v", v, "j")};`,
    `let grad_at = ${attention.place("grad", grad, "i")};`,
    ...dotLines(
      "product",
      "width",
      (c) => q.at(`q_at + ${c}`),
      (c) => k.at(`k_at + ${c}`),
    ),
    "var score = 0.0;",
    ...score.lines,
    ...dotLines(
      "pull",
      "value_width",
      (c) => grad.at(`grad_at + ${c}`),
      (c) => v.at(`v_at + ${c}`),
    ),
    line,
    `sum += ${probability} * (pull - ${mean});`,
  ];
  return score.conditions.length === 0 ? lines : ifThen(attention.condition(), lines);
}

const axisNames = ["b", "h", "i", "j"] as const;

/** Splits `element` into the axes that the bias has, and loops over those that it was stretched along. */
function bounds(
  builder: KernelBuilder,
  own: Shape,
  full: Shape,
): readonly [lines: Code[], loops: (inner: readonly Code[]) => readonly Code[]] {
  const lines: Code[] = [];
  const kept = axisNames.map((name, axis) => ({ name, axis })).filter(({ axis }) => !isUnit(own[axis]!));
  let rest = "element";
  for (const { name, axis } of kept.toReversed()) {
    const size = builder.size(`own_${name}`, own[axis]!);
    lines.push(`let ${name} = ${rest} % ${size};`, `let above_${name} = ${rest} / ${size};`);
    rest = `above_${name}`;
  }
  const stretched = axisNames.map((name, axis) => ({ name, axis })).filter(({ axis }) => isUnit(own[axis]!));
  const loops = (inner: readonly Code[]): readonly Code[] =>
    stretched.reduceRight<readonly Code[]>(
      (code, { name, axis }) => forLoop(name, builder.size(`full_${name}`, full[axis]!), code),
      inner,
    );
  return [lines, loops];
}
