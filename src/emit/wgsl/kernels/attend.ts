import type { Code } from "../../../support/text.ts";
import { onlyView } from "../../../kernels/results.ts";
import { KernelBuilder } from "../builder.ts";
import type { Tensor } from "../given.ts";
import type { WgslKernel } from "../kernel.ts";
import { forLoop, ifThen } from "../text.ts";
import {
  attendWords,
  axesOf,
  declareScores,
  rowPlace,
  scoreLines,
  scorePlace,
  type AttendAttributes,
  type Axes,
} from "./scores.ts";

/** Query rows of a workgroup and keys of a turn: a score for each of 256 invocations. */
const ROWS = 8;
const KEYS = 32;

/**
 * softmax(scale · q kᵀ …) v, 8 query rows of a head a workgroup, 32 keys a turn. The softmax is online (Milakov and
 * Gimelshein 2018): largest score, sum and result are rescaled when a larger score comes, so no score is ever stored
 * outside the workgroup.
 */
export const attend: WgslKernel<"attend"> = ({ operands, attrs, results }, context) => {
  const { q, k, v, bias, mask } = operands;
  const builder = new KernelBuilder(context);
  const out = onlyView(results);
  const tensors = builder.tensors({ q, k, v, bias, mask }, { out });
  const [query, key, value] = [q, k, v].map((view) => axesOf(view, attrs.layout)) as [Axes, Axes, Axes];
  const sizes = declareScores(builder, query, key, attrs);
  builder.declare(`const width = ${query.width}u;`, `const value_width = ${value.width}u;`);
  builder.shared("q_rows", tensors.q.isHalf ? "f16" : "f32", ROWS * query.width);
  builder.shared("scores", "f32", ROWS * KEYS);
  builder.shared("weights", "f32", ROWS * KEYS);
  builder.builtin("group", "lane");
  const place = (name: string, axes: Axes, row: string, h = "h"): string =>
    rowPlace(builder, name, axes)("group.z", h, row);
  const held = Math.ceil(value.width / KEYS);
  const queryElement = tensors.q.isHalf ? "f32(q_rows[r * width + c])" : "q_rows[r * width + c]";
  const score = scoreLines(builder, attrs, {
    bias: bias && tensors.bias?.at(scorePlace(builder, "bias", bias, "group.z")),
    mask: mask && tensors.mask?.at(scorePlace(builder, "mask", mask, "group.z")),
  });
  const body: Code[] = [
    "let h = group.y;",
    `let g = h / (${sizes.heads} / ${sizes.keyHeads});`,
    `let first = group.x * ${ROWS}u;`,
    `let r = lane / ${KEYS}u;`,
    `let s = lane % ${KEYS}u;`,
    "let i = first + r;",
    ...loadQueries(tensors.q, place("q", query, `(first + e / width)`), sizes.queries),
    `// The first query stands at this key.`,
    `let behind = i32(${sizes.keys}) - i32(${sizes.queries});`,
    "let position = i32(i) + behind;",
    ...keyRange(attrs, sizes.keys),
    "var largest = hidden;",
    "var total = 0.0;",
    `var result: array<f32, ${held}>;`,
    ...forLoop(
      "start",
      "end",
      [
        "let j = start + s;",
        "var score = hidden;",
        ...ifThen(["j < end", `i < ${sizes.queries}`, ...score.conditions].join(" && "), [
          `let k_at = ${place("k", key, "j", "g")};`,
          "var product = 0.0;",
          ...forLoop("c", "width", [`product += ${queryElement} * ${tensors.k.at("k_at + c")};`]),
          ...score.lines,
        ]),
        `scores[lane] = score;`,
        "workgroupBarrier();",
        "let before = largest;",
        ...forLoop("other", `${KEYS}u`, [`largest = max(largest, scores[r * ${KEYS}u + other]);`]),
        "weights[lane] = select(exp(score - largest), 0.0, score == hidden);",
        "let shrink = exp(before - largest);",
        "total *= shrink;",
        ...forLoop("n", `${held}u`, ["result[n] *= shrink;"]),
        "workgroupBarrier();",
        ...forLoop("other", `min(${KEYS}u, end - start)`, [
          `let weight = weights[r * ${KEYS}u + other];`,
          "// A hidden key has no part, whatever its value: not even 0 · NaN.",
          ...ifThen("weight == 0.0", ["continue;"]),
          "total += weight;",
          `let v_at = ${place("v", value, "(start + other)", "g")} + s;`,
          ...overValues(held, value.width, [`result[n] += weight * ${tensors.v.at(`v_at + n * ${KEYS}u`)};`]),
        ]),
      ],
      { start: "begin", step: `${KEYS}u` },
    ),
    ...ifThen(`i >= ${sizes.queries}`, ["return;"]),
    "let share = select(1.0 / total, 0.0, total == 0.0);",
    `let out_at = ${place("out", axesOf(out, attrs.layout), "i")} + s;`,
    ...overValues(held, value.width, [tensors.out.put(`out_at + n * ${KEYS}u`, "result[n] * share")]),
  ];
  const words = attendWords(attrs, operands);
  return [
    builder.finish({
      name: ["attend", ...words].join("_"),
      doc: [
        `Attention${words.length > 0 ? ` (${words.join(", ")})` : ""}: ${ROWS} query rows of a head a workgroup, ${KEYS} keys a turn.`,
      ],
      body,
      workgroup: [ROWS * KEYS],
      groups: {
        kind: "grid",
        axes: [
          { count: query.row.size, per: ROWS },
          { count: query.head.size, per: 1 },
          { count: query.batch.size, per: 1 },
        ],
      },
    }),
  ];
};

/** The workgroup's query rows, zeros past the last. */
const loadQueries = (q: Tensor, at: string, queries: string): Code[] => [
  ...forLoop(
    "e",
    `${ROWS}u * width`,
    [
      q.isHalf ? "var element = 0.0h;" : "var element = 0.0;",
      ...ifThen(`first + e / width < ${queries}`, [`element = ${q.raw(`${at} + e % width`)};`]),
      "q_rows[e] = element;",
    ],
    { start: "lane", step: `${ROWS * KEYS}u` },
  ),
  "workgroupBarrier();",
];

/** The channels of the result that an invocation has: s, s + 32, … */
const overValues = (held: number, width: number, body: readonly Code[]): Code[] =>
  forLoop("n", `${held}u`, width % KEYS === 0 ? body : ifThen(`s + n * ${KEYS}u < value_width`, body));

/** `begin` and `end`: the keys that some row of the workgroup sees. */
function keyRange({ causal, window }: AttendAttributes, keys: string): Code[] {
  const last = `i32(first) + ${ROWS}i + behind`;
  const end = causal ? last : window === undefined ? undefined : `${last} + ${window - 1}i`;
  const begin = window === undefined ? undefined : `i32(first) + behind - ${window - 1}i`;
  return [
    `// The keys that some row of the workgroup sees.`,
    begin === undefined ? "let begin = 0u;" : `let begin = u32(clamp(${begin}, 0i, i32(${keys})));`,
    end === undefined ? `let end = ${keys};` : `let end = u32(clamp(${end}, 0i, i32(${keys})));`,
  ];
}
