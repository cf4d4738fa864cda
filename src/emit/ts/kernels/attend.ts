import { attentionAxes } from "../../../kernels/attention.ts";
import type { StepOf } from "../../../plan/plan.ts";
import { alibiSlopes } from "../../../ops/evaluate/attend.ts";
import { constantDim, type Dim } from "../../../tensor/dim.ts";
import { CallBuilder } from "../call.ts";
import { BLOCK_ROWS } from "../target.ts";
import type { Code } from "../../../support/text.ts";
import { block, forLoop, numberText, sumText, WIDTH, wrapped } from "../../module/text.ts";
import type { TsKernel } from "./kernel.ts";
import { onlyView } from "../../../kernels/results.ts";

/**
 * softmax(scale · q kᵀ …) v, a head and 16 query rows at a time: their scores are two matrix products with the softmax
 * between them. Keys that no row of the block sees are skipped.
 */
export const attend: TsKernel<"attend"> = ({ operands, attrs, results }, placing) => {
  const { q, k, v, bias, mask } = operands;
  const call = new CallBuilder(placing);
  const out = onlyView(results);
  const [query, key] = [attentionAxes(q, attrs.layout), attentionAxes(k, attrs.layout)];
  call.size("batch", query.batch.size);
  call.size("heads", query.head.size);
  call.size("keyHeads", key.head.size);
  call.size("queries", query.row.size);
  call.size("keys", key.row.size);
  call.size("width", query.width);
  call.size("valueWidth", attentionAxes(v, attrs.layout).width);
  const starts = new Map<string, string>();
  for (const [name, view] of Object.entries({ q, k, v, out })) {
    starts.set(name, call.tensor(name, view));
    const axes = attentionAxes(view, attrs.layout);
    for (const axis of ["batch", "head", "row"] as const)
      call.size(`${name}${capital(axis)}`, axes[axis].stride);
  }
  for (const [name, view] of Object.entries({ bias, mask })) {
    if (view === undefined) continue;
    starts.set(name, call.tensor(name, view));
    ["Batch", "Head", "Row", "Step"].forEach((axis, at) => call.size(`${name}${axis}`, view.strides[at]!));
  }
  call.scratch("scores");
  call.helpers(["multiply", "weighSeen", "exp"]);
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
  return call.finish(["attend", ...words].join("_"), [doc], attendBody(starts, attrs, query.head.size));
};

export const capital = (word: string): string => word[0]!.toUpperCase() + word.slice(1);

type Attend = StepOf<"attend">;

function attendBody(starts: ReadonlyMap<string, string>, attrs: Attend["attrs"], heads: Dim): Code[] {
  const isCut = attrs.window !== undefined;
  const headStart = (name: string): string => {
    const head = name === "k" || name === "v" ? "g" : "h";
    return `const ${name}From = ${sumText(starts.get(name)!, `b * ${name}Batch`, `${head} * ${name}Head`)};`;
  };
  const products = (head: string, args: readonly string[]): Code[] => wrapped(head, args, ");", WIDTH - 10);
  const firstKey = (name: string): string => (isCut ? `${name}From + first * ${name}Row` : `${name}From`);
  return [
    ...keyOfFirstQuery(attrs),
    ...(attrs.alibi
      ? [`const slopes = [${alibiSlopes(constantDim(heads)!).map(numberText).join(", ")}];`]
      : []),
    ...forLoop("b", "batch", [
      ...forLoop("h", "heads", [
        "const g = Math.floor((h * keyHeads) / heads);",
        ...[...starts.keys()].map(headStart),
        ...(attrs.alibi ? ["const slope = slopes[h];"] : []),
        ...block(`for (let start = 0; start < queries; start += ${BLOCK_ROWS}) {`, [
          `const rows = Math.min(${BLOCK_ROWS}, queries - start);`,
          ...(isCut || attrs.causal ? ["// The keys that some row of the block sees."] : []),
          ...(isCut ? ["const first = Math.min(keys, Math.max(0, start + behind - seen + 1));"] : []),
          `const length = ${lengthText(attrs)};`,
          ...products("multiply(", [
            ...["rows", "length", "width", "q", "qFrom + start * qRow", "qRow", "1"],
            ...["k", firstKey("k"), "kRow", "1", "scores", "scoresAt", "length"],
          ]),
          ...forLoop("r", "rows", rowBody(starts, attrs)),
          ...products("multiply(", [
            ...["rows", "valueWidth", "length", "scores", "scoresAt", "length", "1"],
            ...["v", firstKey("v"), "1", "vRow", "out", "outFrom + start * outRow", "outRow"],
          ]),
          ...forLoop("r", "rows", [
            ...products("weighSeen(", [
              ...["valueWidth", "length", "scores", "scoresAt + r * length", "v", firstKey("v"), "vRow"],
              ...["out", "outFrom + (start + r) * outRow"],
            ]),
          ]),
        ]),
      ]),
    ]),
  ];
}

/** The number that places queries among keys, where that matters. */
export const keyOfFirstQuery = ({ causal, window, alibi }: Attend["attrs"]): string[] =>
  causal || window !== undefined || alibi
    ? ["// The first query stands at this key.", "const behind = keys - queries;"]
    : [];

/** How many keys, from the first that a row of the block sees, some row sees. */
export function lengthText({ causal, window }: Attend["attrs"]): string {
  const end = causal ? "start + rows + behind" : "start + rows + behind + seen - 1";
  if (window === undefined) return causal ? `Math.max(0, Math.min(keys, ${end}))` : "keys";
  return `Math.max(0, Math.min(keys, ${end}) - first)`;
}

/** Turns a row of products into a row of weights; hidden keys get 0, and so does a row that sees nothing. */
export function rowBody(starts: ReadonlyMap<string, string>, attrs: Attend["attrs"]): Code[] {
  const [hasBias, hasMask, isCut] = [starts.has("bias"), starts.has("mask"), attrs.window !== undefined];
  const product = `${numberText(attrs.scale)} * scores[at + s]`;
  const cap = numberText(attrs.softcap);
  const score = [
    attrs.softcap > 0 ? `${cap} * Math.tanh((${product}) / ${cap})` : product,
    ...(hasBias ? ["+ bias[biasFrom + i * biasRow + j * biasStep]"] : []),
    ...(attrs.alibi ? ["- slope * Math.abs(i + behind - j)"] : []),
  ].join(" ");
  const seen = hasMask ? `mask[maskFrom + i * maskRow + j * maskStep] === 0 ? -Infinity : ${score}` : score;
  const low = isCut ? "low" : "0";
  const high = isCut || attrs.causal ? "high" : "length";
  return [
    ...(high === "length" && !hasBias && !hasMask && !attrs.alibi ? [] : ["const i = start + r;"]),
    "const at = scoresAt + r * length;",
    ...(isCut ? ["const low = Math.min(length, Math.max(0, i + behind - seen + 1 - first));"] : []),
    ...(high === "high" ? [`const high = ${highText(attrs)};`] : []),
    "let largest = -Infinity;",
    ...block(`for (let s = ${low}; s < ${high}; s++) {`, [
      ...(hasBias || hasMask || attrs.alibi ? [isCut ? "const j = first + s;" : "const j = s;"] : []),
      `const score = ${seen};`,
      "scores[at + s] = score;",
      "largest = Math.max(largest, score);",
    ]),
    "let total = 0;",
    ...block(`for (let s = ${low}; s < ${high}; s++) {`, [
      "const weight = largest === -Infinity ? 0 : exp(scores[at + s] - largest);",
      "scores[at + s] = weight;",
      "total += weight;",
    ]),
    "const share = total === 0 ? 0 : 1 / total;",
    `for (let s = ${low}; s < ${high}; s++) scores[at + s] *= share;`,
    ...(isCut ? ["scores.fill(0, at, at + low);"] : []),
    ...(high === "high" ? ["scores.fill(0, at + high, at + length);"] : []),
  ];
}

/** One past the last key that row i sees, counted from the first of the block. */
function highText({ causal, window }: Attend["attrs"]): string {
  if (window === undefined) return "Math.max(0, Math.min(length, i + behind + 1))";
  return `Math.max(low, Math.min(length, i + behind + ${causal ? "1" : "seen"} - first))`;
}
