import type { View } from "../../../kernels/view.ts";
import type { Code } from "../../../support/text.ts";
import { KernelBuilder } from "../builder.ts";
import type { Context, Dispatch } from "../kernel.ts";
import { floatText, forLoop, ifThen } from "../text.ts";
import { attendWords, axesOf, rowPlace, type AttendAttributes } from "./scores.ts";
import {
  TURN,
  rowsFor,
  Stage,
  dotLines,
  loadRows,
  overChannels,
  heldOf,
  declareStage,
  leftSize,
  type AttendGrad,
} from "./gradient-attend-stage.ts";

/** The keys that some query of the workgroup sees. */
function keyRange({ causal, window }: AttendAttributes, rows: number, keys: string): Code[] {
  const last = `i32(first) + ${rows}i + behind`;
  const end = causal ? last : window === undefined ? undefined : `${last} + ${window - 1}i`;
  const begin = window === undefined ? undefined : `i32(first) + behind - ${window - 1}i`;
  const within = (at: string): string => `u32(clamp(${at}, 0i, i32(${keys})))`;
  return [
    `let begin = ${begin === undefined ? "0u" : within(begin)};`,
    `let end = ${end === undefined ? keys : within(end)};`,
  ];
}

/**
 * Online over the keys, as forward: with p the unnormalized probabilities and d = grad vᵀ, grad_q = scale · (Σ p d k -
 * mean · Σ p k) / Σ p with mean = Σ p d / Σ p; under a cap each key's part is multiplied by the cap's slope.
 */
export function byQueries(step: AttendGrad, ofQ: View, context: Context): Dispatch {
  const { operands, attrs } = step;
  const builder = new KernelBuilder(context);
  const left = builder.scratch(leftSize({ query: axesOf(operands.q, attrs.layout) }));
  const tensors = builder.tensors(operands, { of_q: ofQ });
  const stage = new Stage(step, tensors, builder, "group.z");
  const { query, value, sizes, score } = stage;
  const rows = rowsFor(query.width, value.width);
  const held = heldOf(query.width);
  builder.shared("q_rows", "f32", rows * query.width);
  builder.shared("grad_rows", "f32", rows * value.width);
  const caps = score.slope !== undefined;
  declareStage(builder, rows, ["scores", "weights", "pulls", ...(caps ? ["cap_slopes"] : [])]);
  const slope = caps ? ` * cap_slopes[r * ${TURN}u + other]` : "";
  const body: Code[] = [
    "let h = group.y;",
    `let g = h / (${sizes.heads} / ${sizes.keyHeads});`,
    `let first = group.x * ${rows}u;`,
    `let r = lane / ${TURN}u;`,
    `let s = lane % ${TURN}u;`,
    "let i = first + r;",
    ...loadRows(
      "q_rows",
      { tensor: tensors.q, at: (row) => stage.place("q", row), width: "width" },
      rows,
      sizes.queries,
    ),
    ...loadRows(
      "grad_rows",
      { tensor: tensors.grad, at: (row) => stage.place("grad", row), width: "value_width" },
      rows,
      sizes.queries,
    ),
    "workgroupBarrier();",
    stage.behind(),
    "let position = i32(i) + behind;",
    ...keyRange(attrs, rows, sizes.keys),
    "var largest = hidden;",
    "var total = 0.0;",
    "var along = 0.0;",
    `var pulled: array<f32, ${held}>;`,
    `var seen: array<f32, ${held}>;`,
    ...forLoop(
      "start",
      "end",
      [
        "let j = start + s;",
        "var score = hidden;",
        "var pull = 0.0;",
        ...(caps ? ["var cap_slope = 0.0;"] : []),
        ...ifThen(stage.condition("j < end", `i < ${sizes.queries}`), [
          `let k_at = ${stage.place("k", "j")};`,
          `let v_at = ${stage.place("v", "j")};`,
          ...dotLines(
            "product",
            "width",
            (c) => `q_rows[r * width + ${c}]`,
            (c) => tensors.k.at(`k_at + ${c}`),
          ),
          ...score.lines,
          ...(caps ? [`cap_slope = ${score.slope};`] : []),
          ...forLoop("c", "value_width", [
            `pull += grad_rows[r * value_width + c] * ${tensors.v.at("v_at + c")};`,
          ]),
        ]),
        "scores[lane] = score;",
        "workgroupBarrier();",
        "let before = largest;",
        ...forLoop("other", `${TURN}u`, [`largest = max(largest, scores[r * ${TURN}u + other]);`]),
        "let own_weight = select(exp(score - largest), 0.0, score == hidden);",
        "weights[lane] = own_weight;",
        "pulls[lane] = own_weight * pull;",
        ...(caps ? ["cap_slopes[lane] = cap_slope;"] : []),
        "let shrink = exp(before - largest);",
        "total *= shrink;",
        "along *= shrink;",
        ...forLoop("n", `${held}u`, ["pulled[n] *= shrink;", "seen[n] *= shrink;"]),
        "workgroupBarrier();",
        ...forLoop("other", `min(${TURN}u, end - start)`, [
          `let weight = weights[r * ${TURN}u + other];`,
          "// A hidden key has no part, whatever its value: not even 0 · NaN.",
          ...ifThen("weight == 0.0", ["continue;"]),
          "total += weight;",
          `along += pulls[r * ${TURN}u + other];`,
          `let key_at = ${stage.place("k", "(start + other)")} + s;`,
          ...overChannels(held, query.width, [
            `let element = ${tensors.k.at(`key_at + n * ${TURN}u`)};`,
            `pulled[n] += pulls[r * ${TURN}u + other]${slope} * element;`,
            `seen[n] += weight${slope} * element;`,
          ]),
        ]),
      ],
      { start: "begin", step: `${TURN}u` },
    ),
    ...ifThen(`i >= ${sizes.queries}`, ["return;"]),
    "let share = select(1.0 / total, 0.0, total == 0.0);",
    "let mean = along * share;",
    `let of_q_at = ${rowPlace(builder, "of_q", axesOf(ofQ, attrs.layout))("group.z", "h", "i")} + s;`,
    ...overChannels(held, query.width, [
      tensors.of_q.put(
        `of_q_at + n * ${TURN}u`,
        `${floatText(attrs.scale)} * share * (pulled[n] - mean * seen[n])`,
      ),
    ]),
    ...ifThen("s == 0u", [
      `let left_at = ${stage.leftAt("i")};`,
      left.put("left_at", "largest"),
      left.put("left_at + 1u", "share"),
      left.put("left_at + 2u", "mean"),
    ]),
  ];
  return builder.finish({
    stage: 0,
    name: ["attend_grad_q", ...attendWords(attrs, operands)].join("_"),
    doc: [
      `The gradient of attention for its queries: ${rows} rows of a head a workgroup, ${TURN} keys a turn.`,
    ],
    body,
    workgroup: [rows * TURN],
    groups: {
      kind: "grid",
      axes: [
        { count: query.row.size, per: rows },
        { count: query.head.size, per: 1 },
        { count: query.batch.size, per: 1 },
      ],
    },
  });
}
