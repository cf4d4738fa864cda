import type { View } from "../../../kernels/view.ts";
import type { Code } from "../../../support/text.ts";
import { KernelBuilder } from "../builder.ts";
import type { Tensor } from "../given.ts";
import type { Context, Dispatch } from "../kernel.ts";
import { floatText, ifThen } from "../text.ts";
import {
  addDot,
  Attention,
  channel,
  declareTurn,
  heldOf,
  ofOther,
  overChannels,
  overTurns,
  ownQuery,
  rowGroups,
  scoreOfRow,
  TURN,
} from "./attention.ts";
import { leave, leftSize, loadRows, rowsFor, type AttendGrad } from "./gradient-attend-stage.ts";
import { keyRange, overSeenKeys, shareOfTotal, startSoftmax, takeScores } from "./online-softmax.ts";
import { attendWords } from "./scores.ts";

interface Tensors {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly grad: Tensor;
  readonly of_q: Tensor;
}

/**
 * Online over the keys, as forward: with p the unnormalized probabilities and d = grad vᵀ, grad_q = scale · (Σ p d k -
 * mean · Σ p k) / Σ p with mean = Σ p d / Σ p; under a cap each key's part is multiplied by the cap's slope.
 */
export function byQueries(step: AttendGrad, ofQ: View, context: Context): Dispatch {
  const { operands, attrs } = step;
  const builder = new KernelBuilder(context);
  const left = builder.scratch(leftSize(step));
  const tensors = builder.tensors(operands, { of_q: ofQ });
  const attention = new Attention(step, tensors, builder, "group.z");
  const { query, sizes } = attention;
  const rows = rowsFor(attention);
  declareMemory(attention, rows, attrs);
  const numbers = ["total", "along", ...(attrs.observe ? ["scored"] : [])];
  const sums = { numbers, rows: ["pulled", "seen"], held: heldOf(query.width) };
  const body: Code[] = [
    ...ownQuery(attention, rows),
    ...loadQueries(attention, tensors, rows),
    attention.behind(),
    "let position = i32(i) + behind;",
    ...keyRange(attrs, rows, sizes.keys),
    ...startSoftmax(sums),
    ...overTurns([
      ...scoreKey(attention, tensors),
      ...takeScores(sums, (weight) => storeWeights(attention, weight, attrs)),
      ...addKeys(attention, tensors.k, attrs),
    ]),
    ...storeGradient(attention, tensors.of_q),
    ...ifThen("s == 0u", leave(attention, step, left)),
  ];
  return builder.finish({
    stage: 0,
    name: ["attend_grad_q", ...attendWords(attrs, operands)].join("_"),
    doc: [
      `The gradient of attention for its queries: ${rows} rows of a head a workgroup, ${TURN} keys a turn.`,
    ],
    body,
    workgroup: [rows * TURN],
    groups: rowGroups(query, rows),
  });
}

const hasCap = ({ score }: Attention): boolean => score.slope !== undefined;

function declareMemory(attention: Attention, rows: number, { observe }: AttendGrad["attrs"]): void {
  const { builder, query, value } = attention;
  builder.shared("q_rows", "f32", rows * query.width);
  builder.shared("grad_rows", "f32", rows * value.width);
  declareTurn(builder, rows, [
    ...["scores", "weights", "pulls"],
    ...(hasCap(attention) ? ["cap_slopes"] : []),
    ...(observe ? ["scoreds"] : []),
  ]);
}

/** The workgroup's queries and the gradients of their results. */
function loadQueries(attention: Attention, { q, grad }: Tensors, rows: number): Code[] {
  const count = attention.sizes.queries;
  return [
    ...loadRows("q_rows", q, rows, { at: attention.place("q", q, "row"), width: "width", count }),
    ...loadRows("grad_rows", grad, rows, {
      at: attention.place("grad", grad, "row"),
      width: "value_width",
      count,
    }),
    "workgroupBarrier();",
  ];
}

/** `score` of the own query and the own key of the turn, and `pull`, d; under a cap its slope as well. */
const scoreKey = (attention: Attention, { k, v }: Tensors): Code[] => [
  "let j = start + s;",
  "var score = hidden;",
  "var pull = 0.0;",
  ...(hasCap(attention) ? ["var cap_slope = 0.0;"] : []),
  ...ifThen(attention.condition("j < end", `i < ${attention.sizes.queries}`), [
    ...scoreOfRow(attention, k),
    `let v_at = ${attention.place("v", v, "j")};`,
    ...(hasCap(attention) ? [`cap_slope = ${attention.score.slope};`] : []),
    ...addDot(
      "pull",
      "value_width",
      (c) => `grad_rows[r * value_width + ${c}]`,
      (c) => v.at(`v_at + ${c}`),
    ),
  ]),
];

/** What of its key each invocation gives to the others of its row. */
const storeWeights = (attention: Attention, weight: string, { observe }: AttendGrad["attrs"]): Code[] => [
  `let own_weight = ${weight};`,
  "weights[lane] = own_weight;",
  "pulls[lane] = own_weight * pull;",
  ...(hasCap(attention) ? ["cap_slopes[lane] = cap_slope;"] : []),
  ...(observe ? ["scoreds[lane] = own_weight * score;"] : []),
];

/** Σ p d, and by channels Σ p d k and Σ p k; Σ p score if rows are observed. */
function addKeys(attention: Attention, k: Tensor, { observe }: AttendGrad["attrs"]): Code[] {
  const [pull, slope] = [ofOther("pulls"), hasCap(attention) ? ` * ${ofOther("cap_slopes")}` : ""];
  return overSeenKeys([
    `along += ${pull};`,
    ...(observe ? [`scored += ${ofOther("scoreds")};`] : []),
    `let key_at = ${attention.place("k", k, "(start + other)")} + s;`,
    ...overChannels(attention.query.width, [
      `let element = ${k.at(channel("key_at"))};`,
      `pulled[n] += ${pull}${slope} * element;`,
      `seen[n] += weight${slope} * element;`,
    ]),
  ]);
}

function storeGradient(attention: Attention, ofQ: Tensor): Code[] {
  const value = `${floatText(attention.attrs.scale)} * share * (pulled[n] - mean * seen[n])`;
  return [
    ...ifThen(`i >= ${attention.sizes.queries}`, ["return;"]),
    shareOfTotal,
    "let mean = along * share;",
    `let of_q_at = ${attention.place("of_q", ofQ, "i")} + s;`,
    ...overChannels(attention.query.width, [ofQ.put(channel("of_q_at"), value)]),
  ];
}
