import { onlyView } from "../../../kernels/results.ts";
import type { StepOf } from "../../../plan/plan.ts";
import type { Code } from "../../../support/text.ts";
import { KernelBuilder } from "../builder.ts";
import type { Tensor } from "../given.ts";
import type { Context, Dispatch, WgslKernel } from "../kernel.ts";
import { forLoop, ifThen } from "../text.ts";
import { attendOne, isOfOneQuery } from "./attend-one.ts";
import {
  Attention,
  channel,
  declareTurn,
  dotLines,
  heldOf,
  overChannels,
  overTurns,
  ownQuery,
  rowGroups,
  TURN,
} from "./attention.ts";
import { keyRange, overSeenKeys, shareOfTotal, startSoftmax, takeScores } from "./online-softmax.ts";
import { attendWords } from "./scores.ts";

/** Query rows of a workgroup: with the keys of a turn a score for each of 256 invocations. */
const ROWS = 8;

/** softmax(scale · q kᵀ …) v. */
export const attend: WgslKernel<"attend"> = (step, context) =>
  isOfOneQuery(step) ? attendOne(step, context) : [attendRows(step, context)];

/** 8 query rows of a head a workgroup, 32 keys a turn. */
function attendRows(step: StepOf<"attend">, context: Context): Dispatch {
  const { operands, attrs, results } = step;
  const { q, k, v, bias, mask } = operands;
  const builder = new KernelBuilder(context);
  const tensors = builder.tensors({ q, k, v, bias, mask }, { out: onlyView(results) });
  const attention = new Attention(step, tensors, builder, "group.z");
  const { query, value, sizes } = attention;
  builder.shared("q_rows", tensors.q.isHalf ? "f16" : "f32", ROWS * query.width);
  declareTurn(builder, ROWS, ["scores", "weights"]);
  const sums = { numbers: ["total"], rows: ["result"], held: heldOf(value.width) };
  const body: Code[] = [
    ...ownQuery(attention, ROWS),
    ...loadQueries(attention, tensors.q),
    "// The first query stands at this key.",
    attention.behind(),
    "let position = i32(i) + behind;",
    "// The keys that some row of the workgroup sees.",
    ...keyRange(attrs, ROWS, sizes.keys),
    ...startSoftmax(sums),
    ...overTurns([
      ...scoreKey(attention, tensors.q, tensors.k),
      ...takeScores(sums, (weight) => [`weights[lane] = ${weight};`]),
      ...addValues(attention, tensors.v),
    ]),
    ...storeResult(attention, tensors.out),
  ];
  const words = attendWords(attrs, operands);
  const kind = words.length > 0 ? ` (${words.join(", ")})` : "";
  return builder.finish({
    name: ["attend", ...words].join("_"),
    doc: [`Attention${kind}: ${ROWS} query rows of a head a workgroup, ${TURN} keys a turn.`],
    body,
    workgroup: [ROWS * TURN],
    groups: rowGroups(query, ROWS),
  });
}

/** The workgroup's query rows as they lie in memory, zeros past the last. */
function loadQueries(attention: Attention, q: Tensor): Code[] {
  const at = attention.place("q", q, "(first + e / width)");
  const load = [
    q.isHalf ? "var element = 0.0h;" : "var element = 0.0;",
    ...ifThen(`first + e / width < ${attention.sizes.queries}`, [`element = ${q.raw(`${at} + e % width`)};`]),
    "q_rows[e] = element;",
  ];
  return [
    ...forLoop("e", `${ROWS}u * width`, load, { start: "lane", step: `${ROWS * TURN}u` }),
    "workgroupBarrier();",
  ];
}

/** `score` of the own query and the own key of the turn. */
function scoreKey(attention: Attention, q: Tensor, k: Tensor): Code[] {
  const held = (c: string): string =>
    q.isHalf ? `f32(q_rows[r * width + ${c}])` : `q_rows[r * width + ${c}]`;
  return [
    "let j = start + s;",
    "var score = hidden;",
    ...ifThen(attention.condition("j < end", `i < ${attention.sizes.queries}`), [
      `let k_at = ${attention.place("k", k, "j")};`,
      ...dotLines("product", "width", held, (c) => k.at(`k_at + ${c}`)),
      ...attention.score.lines,
    ]),
  ];
}

/** The values of a turn's keys by their weights. */
const addValues = (attention: Attention, v: Tensor): Code[] =>
  overSeenKeys([
    `let v_at = ${attention.place("v", v, "(start + other)")} + s;`,
    ...overValues(attention, [`result[n] += weight * ${v.at(channel("v_at"))};`]),
  ]);

const storeResult = (attention: Attention, out: Tensor): Code[] => [
  ...ifThen(`i >= ${attention.sizes.queries}`, ["return;"]),
  shareOfTotal,
  `let out_at = ${attention.place("out", out, "i")} + s;`,
  ...overValues(attention, [out.put(channel("out_at"), "result[n] * share")]),
];

const overValues = ({ value }: Attention, body: readonly Code[]): Code[] =>
  overChannels(value.width, body, "value_width");
