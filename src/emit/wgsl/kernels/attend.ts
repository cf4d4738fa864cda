import { alibiSlopes } from "../../../ops/evaluate/attend.ts";
import type { StepOf } from "../../../plan/plan.ts";
import type { View } from "../../../plan/view.ts";
import { invariant } from "../../../support/invariant.ts";
import type { Code } from "../../../support/text.ts";
import { constantDim, type Dim } from "../../../tensor/dim.ts";
import { onlyView } from "../../ts/kernels/result.ts";
import { KernelBuilder, type Tensor } from "../builder.ts";
import type { WgslKernel } from "../kernel.ts";
import { floatText, forLoop, ifThen } from "../text.ts";

/** Query rows of a workgroup and keys of a turn: a score for each of 256 invocations. */
const ROWS = 8;
const KEYS = 32;

type Layout = "heads_first" | "heads_last";
type Attend = StepOf<"attend">;

/** Batch, head and row of a view that lies either way: sizes and strides. */
function axesOf({ type, strides }: View, layout: Layout) {
  const [head, row] = layout === "heads_first" ? [1, 2] : [2, 1];
  const along = (axis: number): { size: Dim; stride: Dim } => ({
    size: type.shape[axis]!,
    stride: strides[axis]!,
  });
  return { batch: along(0), head: along(head), row: along(row), width: widthOf(type.shape[3]!) };
}

function widthOf(size: Dim): number {
  const width = constantDim(size);
  invariant(width !== undefined, "attention needs head widths known at compile time");
  return width;
}

const sum = (terms: readonly string[]): string => terms.filter((term) => term !== "").join(" + ") || "0u";

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
  const sizes = {
    heads: builder.size("heads", query.head.size),
    keyHeads: builder.size("key_heads", key.head.size),
    queries: builder.size("queries", query.row.size),
    keys: builder.size("keys", key.row.size),
  };
  builder.declare(`const width = ${query.width}u;`, `const value_width = ${value.width}u;`);
  if (attrs.alibi) {
    const slopes = alibiSlopes(widthOf(query.head.size));
    builder.declare(`const slopes = array<f32, ${slopes.length}>(${slopes.map(floatText).join(", ")});`);
  }
  builder.declare("// Below every score: marks a key that is not seen.", "const hidden = -3.4e38;");
  builder.shared("q_rows", tensors.q.isHalf ? "f16" : "f32", ROWS * query.width);
  builder.shared("scores", "f32", ROWS * KEYS);
  builder.shared("weights", "f32", ROWS * KEYS);
  builder.builtin("group", "lane");
  const place = (name: string, view: View, row: string, head = "h"): string => {
    const { batch, head: byHead, row: byRow } = axesOf(view, attrs.layout);
    return sum([
      builder.stride("group.z", `${name}_batch`, batch.stride),
      builder.stride(head, `${name}_head`, byHead.stride),
      builder.stride(row, `${name}_row`, byRow.stride),
    ]);
  };
  const scorePlace = (name: string, view: View): string =>
    sum(
      ["group.z", "h", "i", "j"].map((index, axis) =>
        builder.stride(index, `${name}_axis${axis}`, view.strides[axis]!),
      ),
    );
  const held = Math.ceil(value.width / KEYS);
  const queryElement = tensors.q.isHalf ? "f32(q_rows[r * width + c])" : "q_rows[r * width + c]";
  const score = scoreLines(builder, attrs, {
    bias: bias && tensors.bias?.at(scorePlace("bias", bias)),
    mask: mask && tensors.mask?.at(scorePlace("mask", mask)),
  });
  const body: Code[] = [
    "let h = group.y;",
    `let g = h / (${sizes.heads} / ${sizes.keyHeads});`,
    `let first = group.x * ${ROWS}u;`,
    `let r = lane / ${KEYS}u;`,
    `let s = lane % ${KEYS}u;`,
    "let i = first + r;",
    ...loadQueries(tensors.q, place("q", q, `(first + e / width)`), sizes.queries),
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
          `let k_at = ${place("k", k, "j", "g")};`,
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
          `let v_at = ${place("v", v, "(start + other)", "g")} + s;`,
          ...overValues(held, value.width, [`result[n] += weight * ${tensors.v.at(`v_at + n * ${KEYS}u`)};`]),
        ]),
      ],
      { start: "begin", step: `${KEYS}u` },
    ),
    ...ifThen(`i >= ${sizes.queries}`, ["return;"]),
    "let share = select(1.0 / total, 0.0, total == 0.0);",
    `let out_at = ${place("out", out, "i")} + s;`,
    ...overValues(held, value.width, [tensors.out.put(`out_at + n * ${KEYS}u`, "result[n] * share")]),
  ];
  const words = [
    ...(attrs.causal ? ["causal"] : []),
    ...(attrs.window === undefined ? [] : ["window"]),
    ...(attrs.softcap > 0 ? ["softcap"] : []),
    ...(attrs.alibi ? ["alibi"] : []),
    ...(bias === undefined ? [] : ["bias"]),
    ...(mask === undefined ? [] : ["mask"]),
  ];
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

type Axes = ReturnType<typeof axesOf>;

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
function keyRange({ causal, window }: Attend["attrs"], keys: string): Code[] {
  const last = `i32(first) + ${ROWS}i + behind`;
  const end = causal ? last : window === undefined ? undefined : `${last} + ${window - 1}i`;
  const begin = window === undefined ? undefined : `i32(first) + behind - ${window - 1}i`;
  return [
    `// The keys that some row of the workgroup sees.`,
    begin === undefined ? "let begin = 0u;" : `let begin = u32(clamp(${begin}, 0i, i32(${keys})));`,
    end === undefined ? `let end = ${keys};` : `let end = u32(clamp(${end}, 0i, i32(${keys})));`,
  ];
}

/** What else decides whether key j is seen, and the lines that make its score of the product. */
function scoreLines(
  builder: KernelBuilder,
  attrs: Attend["attrs"],
  { bias, mask }: { readonly bias: string | undefined; readonly mask: string | undefined },
): { conditions: string[]; lines: Code[] } {
  const distance = "abs(position - i32(j))";
  const conditions = [
    ...(attrs.causal ? ["i32(j) <= position"] : []),
    ...(attrs.window === undefined ? [] : [`${distance} < ${attrs.window}i`]),
    ...(mask === undefined ? [] : [`${mask} != 0`]),
  ];
  const scaled = `${floatText(attrs.scale)} * product`;
  if (attrs.softcap > 0) builder.helper("safe_tanh");
  const cap = floatText(attrs.softcap);
  const capped = attrs.softcap > 0 ? `${cap} * safe_tanh((${scaled}) / ${cap})` : scaled;
  const terms = [
    capped,
    ...(bias === undefined ? [] : [`+ ${bias}`]),
    ...(attrs.alibi ? [`- slopes[h] * f32(${distance})`] : []),
  ];
  return { conditions, lines: [`score = ${terms.join(" ")};`] };
}
