import type { View } from "../../../plan/view.ts";
import type { StepOf } from "../../../plan/plan.ts";
import { alibiSlopes } from "../../../ops/evaluate/attend.ts";
import { constantDim, multiplyDims, dim, type Dim } from "../../../tensor/dim.ts";
import { CallBuilder } from "../call.ts";
import { block, forLoop, numberText } from "../text.ts";
import type { TsKernel } from "./kernel.ts";
import { onlyView } from "./result.ts";

/** Query rows whose scores are held at once: enough for whole tiles, few enough that causal blocks skip much. */
const BLOCK_ROWS = 16;

type Layout = "heads_first" | "heads_last";

/** Batch, head and row of a view that lies either way: sizes and strides. */
function axesOf({ type, strides }: View, layout: Layout) {
  const [head, row] = layout === "heads_first" ? [1, 2] : [2, 1];
  const along = (axis: number): { size: Dim; stride: Dim } => ({
    size: type.shape[axis]!,
    stride: strides[axis]!,
  });
  return { batch: along(0), head: along(head), row: along(row), width: type.shape[3]! };
}

/** Words of memory that a block of scores takes. */
export const attendScratch = ({ operands: { k }, attrs: { layout } }: StepOf<"attend">): Dim =>
  multiplyDims(axesOf(k, layout).row.size, dim(BLOCK_ROWS));

/**
 * softmax(scale · q kᵀ …) v, a head and 16 query rows at a time: their scores are two matrix products with the softmax
 * between them. Keys that no row of the block sees are skipped.
 */
export const attend: TsKernel<"attend"> = ({ operands, attrs, results }, naming) => {
  const { q, k, v, bias, mask } = operands;
  const call = new CallBuilder(naming);
  const out = onlyView(results);
  const [query, key] = [axesOf(q, attrs.layout), axesOf(k, attrs.layout)];
  call.size("batch", query.batch.size);
  call.size("heads", query.head.size);
  call.size("keyHeads", key.head.size);
  call.size("queries", query.row.size);
  call.size("keys", key.row.size);
  call.size("width", query.width);
  call.size("valueWidth", axesOf(v, attrs.layout).width);
  for (const [name, view] of [
    ["q", q],
    ["k", k],
    ["v", v],
    ["out", out],
  ] as const) {
    call.tensor(name, view);
    const axes = axesOf(view, attrs.layout);
    for (const axis of ["batch", "head", "row"] as const)
      call.size(`${name}${capital(axis)}`, axes[axis].stride);
  }
  for (const [name, view] of [
    ["bias", bias],
    ["mask", mask],
  ] as const) {
    if (view === undefined) continue;
    call.tensor(name, view);
    ["Batch", "Head", "Row", "Step"].forEach((axis, at) => call.size(`${name}${axis}`, view.strides[at]!));
  }
  call.scratch("scores");
  call.helper("multiply");
  if (attrs.window !== undefined) call.number("seen", String(attrs.window));
  const words = [
    ...(attrs.causal ? ["causal"] : []),
    ...(attrs.window === undefined ? [] : ["window"]),
    ...(attrs.softcap > 0 ? ["softcap"] : []),
    ...(attrs.alibi ? ["alibi"] : []),
    ...(bias === undefined ? [] : ["bias"]),
    ...(mask === undefined ? [] : ["mask"]),
  ];
  const doc = `Attention${words.length > 0 ? ` (${words.join(", ")})` : ""}, a head and ${BLOCK_ROWS} query rows at a time.`;
  return call.finish(["attend", ...words].join("_"), [doc], attendBody(operands, attrs, query.head.size));
};

const capital = (word: string): string => word[0]!.toUpperCase() + word.slice(1);

type Attend = StepOf<"attend">;

function attendBody({ bias, mask }: Attend["operands"], attrs: Attend["attrs"], heads: Dim) {
  const from = (name: string): string => `${name}0 + b * ${name}Batch + h * ${name}Head`;
  const shared = (name: string): string => `${name}0 + b * ${name}Batch + g * ${name}Head`;
  return [
    "// The first query stands at this key.",
    "const behind = keys - queries;",
    ...(attrs.alibi
      ? [`const slopes = [${alibiSlopes(constantDim(heads)!).map(numberText).join(", ")}];`]
      : []),
    ...forLoop("b", "batch", [
      ...forLoop("h", "heads", [
        "const g = Math.floor((h * keyHeads) / heads);",
        `const qAt = ${from("q")};`,
        `const kAt = ${shared("k")};`,
        `const vAt = ${shared("v")};`,
        `const outAt = ${from("out")};`,
        ...(bias === undefined ? [] : [`const biasAt = ${from("bias")};`]),
        ...(mask === undefined ? [] : [`const maskAt = ${from("mask")};`]),
        ...(attrs.alibi ? ["const slope = slopes[h];"] : []),
        ...block(`for (let start = 0; start < queries; start += ${BLOCK_ROWS}) {`, [
          `const rows = Math.min(${BLOCK_ROWS}, queries - start);`,
          "// The keys that some row of the block sees.",
          attrs.window === undefined
            ? "const first = 0;"
            : "const first = Math.min(keys, Math.max(0, start + behind - seen + 1));",
          `const end = ${endText(attrs)};`,
          "const length = end - first;",
          "multiply(rows, length, width, q, qAt + start * qRow, qRow, k, kAt + first * kRow, kRow, 1, scores, scores0, length);",
          ...forLoop("r", "rows", rowBody(bias, mask, attrs)),
          "multiply(rows, valueWidth, length, scores, scores0, length, v, vAt + first * vRow, 1, vRow, out, outAt + start * outRow, outRow);",
        ]),
      ]),
    ]),
  ];
}

/** One past the last key that the last row of a block sees, at least `first`. */
function endText({ causal, window }: Attend["attrs"]): string {
  if (causal) return "Math.max(first, Math.min(keys, start + rows + behind))";
  return window === undefined ? "keys" : "Math.max(first, Math.min(keys, start + rows + behind + seen - 1))";
}

/** Turns a row of products into a row of weights; hidden keys get 0, and so does a row that sees nothing. */
function rowBody(bias: View | undefined, mask: View | undefined, attrs: Attend["attrs"]) {
  const product = `${numberText(attrs.scale)} * scores[at + s]`;
  const capped =
    attrs.softcap > 0
      ? `${numberText(attrs.softcap)} * Math.tanh((${product}) / ${numberText(attrs.softcap)})`
      : product;
  const score = [
    capped,
    ...(bias === undefined ? [] : ["+ bias[biasAt + i * biasRow + j * biasStep]"]),
    ...(attrs.alibi ? ["- slope * Math.abs(i + behind - j)"] : []),
  ].join(" ");
  const readsKey = bias !== undefined || mask !== undefined || attrs.alibi;
  const hidden = "mask[maskAt + i * maskRow + j * maskStep] === 0";
  return [
    "const i = start + r;",
    "const at = scores0 + r * length;",
    ...(attrs.causal || attrs.window !== undefined
      ? [
          `const low = ${attrs.window === undefined ? "0" : "Math.min(length, Math.max(0, i + behind - seen + 1 - first))"};`,
          `const high = Math.max(low, ${highText(attrs)});`,
        ]
      : ["const low = 0;", "const high = length;"]),
    "let largest = -Infinity;",
    ...block("for (let s = low; s < high; s++) {", [
      ...(readsKey ? ["const j = first + s;"] : []),
      mask === undefined ? `const score = ${score};` : `const score = ${hidden} ? -Infinity : ${score};`,
      "scores[at + s] = score;",
      "if (!(score <= largest)) largest = score;",
    ]),
    "let total = 0;",
    ...block("for (let s = low; s < high; s++) {", [
      "const weight = largest === -Infinity ? 0 : Math.exp(scores[at + s] - largest);",
      "scores[at + s] = weight;",
      "total += weight;",
    ]),
    "const share = total === 0 ? 0 : 1 / total;",
    "for (let s = low; s < high; s++) scores[at + s] *= share;",
    ...(attrs.causal || attrs.window !== undefined
      ? ["scores.fill(0, at, at + low);", "scores.fill(0, at + high, at + length);"]
      : []),
  ];
}

const highText = ({ causal }: Attend["attrs"]): string =>
  causal ? "Math.min(length, i + behind + 1 - first)" : "Math.min(length, i + behind + seen - first)";
