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

/** The queries that see some key of the workgroup. */
function queryRange({ causal, window }: AttendAttributes, rows: number, queries: string): Code[] {
  const least = causal
    ? "i32(first) - behind"
    : window === undefined
      ? undefined
      : `i32(first) - behind - ${window - 1}i`;
  const most = window === undefined ? undefined : `i32(first) + ${rows - 1}i - behind + ${window}i`;
  const within = (at: string): string => `u32(clamp(${at}, 0i, i32(${queries})))`;
  return [
    `let begin = ${least === undefined ? "0u" : within(least)};`,
    `let end = ${most === undefined ? queries : within(most)};`,
  ];
}

/** Key rows of a head for all queries that see them; the heads of queries that share a head of keys come one by one. */
export function byKeys(
  step: AttendGrad,
  { ofK, ofV }: { readonly ofK?: View; readonly ofV?: View },
  number: number,
  context: Context,
): Dispatch {
  const { operands, attrs } = step;
  const { grad, q, k, v, bias, mask } = operands;
  const builder = new KernelBuilder(context);
  const left = builder.leftBefore(leftSize({ query: axesOf(q, attrs.layout) }));
  const tensors = builder.tensors({ grad, q, k, v: ofK && v, bias, mask }, { of_k: ofK, of_v: ofV });
  const stage = new Stage(step, tensors, builder, "group.z");
  const { query, key, value, sizes, score } = stage;
  const rows = rowsFor(key.width, value.width);
  const [held, valueHeld] = [heldOf(key.width), heldOf(value.width)];
  builder.shared("k_rows", "f32", rows * key.width);
  if (ofK) builder.shared("v_rows", "f32", rows * value.width);
  declareStage(builder, rows, [...(ofK ? ["slopes_of"] : []), ...(ofV ? ["weights"] : [])]);
  const caps = score.slope !== undefined;
  const row = `r * ${TURN}u + other`;
  const body: Code[] = [
    "let g = group.y;",
    `let first = group.x * ${rows}u;`,
    `let r = lane / ${TURN}u;`,
    `let s = lane % ${TURN}u;`,
    "let j = first + r;",
    ...loadRows(
      "k_rows",
      { tensor: tensors.k, at: (at) => stage.place("k", at), width: "width" },
      rows,
      sizes.keys,
    ),
    ...(tensors.v
      ? loadRows(
          "v_rows",
          { tensor: tensors.v, at: (at) => stage.place("v", at), width: "value_width" },
          rows,
          sizes.keys,
        )
      : []),
    "workgroupBarrier();",
    stage.behind(),
    ...queryRange(attrs, rows, sizes.queries),
    ...(ofK ? [`var result: array<f32, ${held}>;`] : []),
    ...(ofV ? [`var value_result: array<f32, ${valueHeld}>;`] : []),
    `let heads_each = ${sizes.heads} / ${sizes.keyHeads};`,
    ...forLoop(
      "h",
      "(g + 1u) * heads_each",
      forLoop(
        "start",
        "end",
        [
          "let i = start + s;",
          "let position = i32(i) + behind;",
          "var weight = 0.0;",
          ...(ofK ? ["var slope = 0.0;"] : []),
          ...ifThen(stage.condition("i < end", `j < ${sizes.keys}`), [
            `let q_at = ${stage.place("q", "i")};`,
            ...dotLines(
              "product",
              "width",
              (c) => tensors.q.at(`q_at + ${c}`),
              (c) => `k_rows[r * width + ${c}]`,
            ),
            "var score = 0.0;",
            ...score.lines,
            `let left_at = ${stage.leftAt("i")};`,
            `weight = exp(score - ${left.at("left_at")}) * ${left.at("left_at + 1u")};`,
            ...(ofK
              ? [
                  `let own_grad = ${stage.place("grad", "i")};`,
                  ...dotLines(
                    "pull",
                    "value_width",
                    (c) => tensors.grad.at(`own_grad + ${c}`),
                    (c) => `v_rows[r * value_width + ${c}]`,
                  ),
                  `slope = ${floatText(attrs.scale)} * weight * (pull - ${left.at("left_at + 2u")})${caps ? ` * (${score.slope})` : ""};`,
                ]
              : []),
          ]),
          ...(ofK ? ["slopes_of[lane] = slope;"] : []),
          ...(ofV ? ["weights[lane] = weight;"] : []),
          "workgroupBarrier();",
          ...forLoop("other", `min(${TURN}u, end - start)`, [
            ...(tensors.of_k
              ? [
                  `let slope_of = slopes_of[${row}];`,
                  "// A query that does not see the key has no part, whatever its value: not even 0 · NaN.",
                  ...ifThen("slope_of != 0.0", [
                    `let query_at = ${stage.place("q", "(start + other)")} + s;`,
                    ...overChannels(held, key.width, [
                      `result[n] += slope_of * ${tensors.q.at(`query_at + n * ${TURN}u`)};`,
                    ]),
                  ]),
                ]
              : []),
            ...(tensors.of_v
              ? [
                  `let weight_of = weights[${row}];`,
                  ...ifThen("weight_of != 0.0", [
                    `let grad_at = ${stage.place("grad", "(start + other)")} + s;`,
                    ...overChannels(valueHeld, value.width, [
                      `value_result[n] += weight_of * ${tensors.grad.at(`grad_at + n * ${TURN}u`)};`,
                    ]),
                  ]),
                ]
              : []),
          ]),
          "workgroupBarrier();",
        ],
        { start: "begin", step: `${TURN}u` },
      ),
      { start: "g * heads_each" },
    ),
    ...ifThen(`j >= ${sizes.keys}`, ["return;"]),
    ...(tensors.of_k && ofK
      ? [
          `let of_k_at = ${rowPlace(builder, "of_k", axesOf(ofK, attrs.layout))("group.z", "g", "j")} + s;`,
          ...overChannels(held, key.width, [tensors.of_k.put(`of_k_at + n * ${TURN}u`, "result[n]")]),
        ]
      : []),
    ...(tensors.of_v && ofV
      ? [
          `let of_v_at = ${rowPlace(builder, "of_v", axesOf(ofV, attrs.layout))("group.z", "g", "j")} + s;`,
          ...overChannels(valueHeld, value.width, [
            tensors.of_v.put(`of_v_at + n * ${TURN}u`, "value_result[n]"),
          ]),
        ]
      : []),
  ];
  const which = `${ofK ? "k" : ""}${ofV ? "v" : ""}`;
  return builder.finish({
    stage: number,
    name: [`attend_grad_${which}`, ...attendWords(attrs, operands)].join("_"),
    doc: [
      `The gradient of attention for its keys and values (${which}): ${rows} rows of a head a workgroup.`,
    ],
    body,
    workgroup: [rows * TURN],
    groups: {
      kind: "grid",
      axes: [
        { count: key.row.size, per: rows },
        { count: key.head.size, per: 1 },
        { count: query.batch.size, per: 1 },
      ],
    },
  });
}
