import type { View } from "../../../kernels/view.ts";
import type { Code } from "../../../support/text.ts";
import { KernelBuilder } from "../builder.ts";
import type { Tensor } from "../given.ts";
import type { Context, Dispatch } from "../kernel.ts";
import { floatText, forLoop, ifThen } from "../text.ts";
import {
  Attention,
  channel,
  declareTurn,
  dotLines,
  heldOf,
  ofOther,
  overChannels,
  overTurn,
  overTurns,
  ownRow,
  rowGroups,
  TURN,
} from "./attention.ts";
import { leftSize, loadRows, readLeft, rowsFor, type AttendGrad } from "./gradient-attend-stage.ts";
import { attendWords, type AttendAttributes } from "./scores.ts";

interface Tensors {
  readonly grad: Tensor;
  readonly q: Tensor;
  readonly k: Tensor;
  /** Present if the gradient of the keys is asked for. */
  readonly v: Tensor | undefined;
}

/** A gradient as a sum over queries: a number of each pair, times a row of the query. */
interface RowSum {
  readonly name: "of_k" | "of_v";
  readonly out: Tensor;
  /** The number of a pair, and the memory through which the workgroup shares it. */
  readonly number: "slope" | "weight";
  readonly memory: "slopes_of" | "weights";
  /** The row, and the name of its place. */
  readonly row: { readonly name: "q" | "grad"; readonly tensor: Tensor; readonly at: string };
  readonly sum: "result" | "value_result";
  readonly width: number;
  readonly note: readonly string[];
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
  const left = builder.leftBefore(leftSize(step));
  const tensors = builder.tensors({ grad, q, k, v: ofK && v, bias, mask }, { of_k: ofK, of_v: ofV });
  const attention = new Attention(step, tensors, builder, "group.z");
  const { query, key, sizes } = attention;
  const rows = rowsFor(attention);
  const sums = rowSums(attention, tensors);
  declareMemory(attention, tensors, sums, rows);
  const body: Code[] = [
    "let g = group.y;",
    ...ownRow("j", rows),
    ...loadKeys(attention, tensors, rows),
    attention.behind(),
    ...queryRange(attrs, rows, sizes.queries),
    ...sums.map(({ sum, width }) => `var ${sum}: array<f32, ${heldOf(width)}>;`),
    ...overHeads(
      attention,
      overTurns([
        ...weighQuery(attention, tensors, readLeft(attention, step, left)),
        ...sums.map((sum) => `${sum.memory}[lane] = ${sum.number};`),
        "workgroupBarrier();",
        ...overTurn(sums.flatMap((sum) => addRow(attention, sum))),
        "workgroupBarrier();",
      ]),
    ),
    ...ifThen(`j >= ${sizes.keys}`, ["return;"]),
    ...sums.flatMap((sum) => storeRow(attention, sum)),
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
    groups: rowGroups({ ...key, batch: query.batch }, rows),
  });
}

/** grad_k = Σ slope · q, and grad_v = Σ weight · grad; those that are asked for. */
function rowSums(
  { key, value }: Attention,
  { q, grad, of_k: ofK, of_v: ofV }: Tensors & Readonly<Record<"of_k" | "of_v", Tensor | undefined>>,
): RowSum[] {
  const ofKeys: RowSum | undefined = ofK && {
    name: "of_k",
    out: ofK,
    number: "slope",
    memory: "slopes_of",
    row: { name: "q", tensor: q, at: "query_at" },
    sum: "result",
    width: key.width,
    note: ["// A query that does not see the key has no part, whatever its value: not even 0 · NaN."],
  };
  const ofValues: RowSum | undefined = ofV && {
    name: "of_v",
    out: ofV,
    number: "weight",
    memory: "weights",
    row: { name: "grad", tensor: grad, at: "grad_at" },
    sum: "value_result",
    width: value.width,
    note: [],
  };
  return [ofKeys, ofValues].filter((sum) => sum !== undefined);
}

function declareMemory(
  { builder, key, value }: Attention,
  { v }: Tensors,
  sums: readonly RowSum[],
  rows: number,
): void {
  builder.shared("k_rows", "f32", rows * key.width);
  if (v) builder.shared("v_rows", "f32", rows * value.width);
  declareTurn(
    builder,
    rows,
    sums.map(({ memory }) => memory),
  );
}

/** The workgroup's keys and, for their gradient, values. */
function loadKeys(attention: Attention, { k, v }: Tensors, rows: number): Code[] {
  const count = attention.sizes.keys;
  return [
    ...loadRows("k_rows", k, rows, { at: attention.place("k", k, "row"), width: "width", count }),
    ...(v
      ? loadRows("v_rows", v, rows, { at: attention.place("v", v, "row"), width: "value_width", count })
      : []),
    "workgroupBarrier();",
  ];
}

/** `begin` and `end`: the queries that see some key of the workgroup. */
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

/** The heads of queries that look at the head of keys. */
const overHeads = ({ sizes }: Attention, body: readonly Code[]): Code[] => [
  `let heads_each = ${sizes.heads} / ${sizes.keyHeads};`,
  ...forLoop("h", "(g + 1u) * heads_each", body, { start: "g * heads_each" }),
];

/** `weight`: how much of the own key the own query of the turn takes; `slope`: what its score does to the key. */
function weighQuery(
  attention: Attention,
  tensors: Tensors,
  { line, probability, mean }: ReturnType<typeof readLeft>,
): Code[] {
  const { sizes, score } = attention;
  const { q, v } = tensors;
  return [
    "let i = start + s;",
    "let position = i32(i) + behind;",
    "var weight = 0.0;",
    ...(v ? ["var slope = 0.0;"] : []),
    ...ifThen(attention.condition("i < end", `j < ${sizes.keys}`), [
      `let q_at = ${attention.place("q", q, "i")};`,
      ...dotLines(
        "product",
        "width",
        (c) => q.at(`q_at + ${c}`),
        (c) => `k_rows[r * width + ${c}]`,
      ),
      "var score = 0.0;",
      ...score.lines,
      line,
      `weight = ${probability};`,
      ...(v ? slopeOfScore(attention, tensors.grad, mean) : []),
    ]),
  ];
}

/** Softmax backward: weight · (grad vᵀ - mean), by the scale and the cap's slope. */
function slopeOfScore(attention: Attention, grad: Tensor, mean: string): Code[] {
  const { attrs, score } = attention;
  const capped = score.slope === undefined ? "" : ` * (${score.slope})`;
  return [
    `let own_grad = ${attention.place("grad", grad, "i")};`,
    ...dotLines(
      "pull",
      "value_width",
      (c) => grad.at(`own_grad + ${c}`),
      (c) => `v_rows[r * value_width + ${c}]`,
    ),
    `slope = ${floatText(attrs.scale)} * weight * (pull - ${mean})${capped};`,
  ];
}

/** Adds the row of a query of the turn, by its number. */
const addRow = (attention: Attention, { number, memory, row, sum, width, note }: RowSum): Code[] => [
  `let ${number}_of = ${ofOther(memory)};`,
  ...note,
  ...ifThen(`${number}_of != 0.0`, [
    `let ${row.at} = ${attention.place(row.name, row.tensor, "(start + other)")} + s;`,
    ...overChannels(width, [`${sum}[n] += ${number}_of * ${row.tensor.at(channel(row.at))};`]),
  ]),
];

const storeRow = (attention: Attention, { name, out, sum, width }: RowSum): Code[] => [
  `let ${name}_at = ${attention.place(name, out, "j")} + s;`,
  ...overChannels(width, [out.put(channel(`${name}_at`), `${sum}[n]`)]),
];
