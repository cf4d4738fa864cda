import { alibiSlopes, LEAST_FLOAT } from "../../../ops/evaluate/attend.ts";
import type { StepOf } from "../../../plan/plan.ts";
import { denseStrides, type View } from "../../../kernels/view.ts";
import type { Code } from "../../../support/text.ts";
import { constantDim, dim, multiplyDims, type Dim } from "../../../tensor/dim.ts";
import { elementsOf } from "../../../tensor/type.ts";
import { CallBuilder } from "../call.ts";
import { BLOCK_ROWS } from "../target.ts";
import { block, forLoop, numberText, sumText, WIDTH, wrapped } from "../../module/text.ts";
import { attentionAxes } from "../../../kernels/attention.ts";
import { capital, keyOfFirstQuery, lengthText, rowBody } from "./attend.ts";
import type { TsKernel } from "./kernel.ts";

type AttendGrad = StepOf<"attend_grad">;

/**
 * A head and 16 query rows at a time, as attend itself: the weights are computed again, then the gradient of the scores,
 * and from both, by products, the gradients of q, and of k and v (added up over the blocks and the heads of a group).
 */
export const attend_grad: TsKernel<"attend_grad"> = (step, placing) => {
  const { operands, attrs, results } = step;
  const { grad, q, k, v, bias, mask } = operands;
  const [dq, dk, dv, ...more] = results as [View, View, View, ...View[]];
  const dbias = bias === undefined ? undefined : more[0];
  const observed = attrs.observe ? more.slice(-2) : [];
  const call = new CallBuilder(placing);
  const [query, key] = [attentionAxes(q, attrs.layout), attentionAxes(k, attrs.layout)];
  call.size("batch", query.batch.size);
  call.size("heads", query.head.size);
  call.size("keyHeads", key.head.size);
  call.size("queries", query.row.size);
  call.size("keys", key.row.size);
  call.size("width", query.width);
  call.size("valueWidth", attentionAxes(v, attrs.layout).width);
  const starts = new Map<string, string>();
  for (const [name, view] of Object.entries({ q, k, v, grad, dq, dk, dv })) {
    starts.set(name, call.tensor(name, view));
    const axes = attentionAxes(view, attrs.layout);
    for (const axis of ["batch", "head", "row"] as const)
      call.size(`${name}${capital(axis)}`, axes[axis].stride);
  }
  const fills = Object.entries({ dk, dv, ...(dbias && { dbias }) }).map(([name, view]) => {
    if (name === "dbias") {
      starts.set(name, call.tensor(name, view));
      scoreStrides(view).forEach((stride, at) => call.size(`dbias${SCORE_AXES[at]!}`, stride));
    }
    const from = starts.get(name)!;
    return `${name}.fill(0, ${from}, ${sumText(from, call.size(`${name}Count`, elementsOf(view.type)))});`;
  });
  for (const [index, view] of observed.entries()) {
    const name = OBSERVED[index]!;
    starts.set(name, call.tensor(name, view));
    call.size(`${name}Batch`, multiplyDims(query.head.size, query.row.size));
    call.size(`${name}Head`, query.row.size);
  }
  for (const [name, view] of Object.entries({ bias, mask })) {
    if (view === undefined) continue;
    starts.set(name, call.tensor(name, view));
    SCORE_AXES.forEach((axis, at) => call.size(`${name}${axis}`, view.strides[at]!));
  }
  call.scratch("scores");
  call.helpers(["multiply", "weighSeen", "addSeen", "exp"]);
  if (attrs.window !== undefined) call.number("seen", String(attrs.window));
  const words = [
    ...(attrs.causal ? ["causal"] : []),
    ...(attrs.window === undefined ? [] : ["window"]),
    ...(attrs.softcap > 0 ? ["softcap"] : []),
    ...(attrs.alibi ? ["alibi"] : []),
    ...(bias === undefined ? [] : ["bias"]),
    ...(mask === undefined ? [] : ["mask"]),
    ...(attrs.observe ? ["observed"] : []),
  ];
  const doc = `The gradient of attention${words.length > 0 ? ` (${words.join(", ")})` : ""}; the weights are computed again.`;
  const body = [...fills, ...attendGradBody(starts, attrs, query.head.size)];
  return call.finish(["attend_grad", ...words].join("_"), [doc], body);
};

/** The largest score of each query row, and the entropy of its weights. */
const OBSERVED = ["largests", "entropies"] as const;

/** Stores both, after what made a row of weights; `total - total` is 0, or NaN where a weight is. */
const observeRow: Code[] = [
  `largests[largestsFrom + start + r] = total === 0 ? ${numberText(LEAST_FLOAT)} : largest + (total - total);`,
  "let entropy = 0;",
  ...block("for (let s = 0; s < length; s++) {", [
    "if (scores[at + s] !== 0) entropy -= scores[at + s] * Math.log(scores[at + s]);",
  ]),
  "entropies[entropiesFrom + start + r] = entropy;",
];

const SCORE_AXES = ["Batch", "Head", "Row", "Step"] as const;

/** Strides of a dense tensor that stretches to the scores [B, H, T, S]. */
function scoreStrides({ type: { shape } }: View): Dim[] {
  const strides = denseStrides(shape).map((stride, axis) =>
    constantDim(shape[axis]!) === 1 ? dim(0) : stride,
  );
  return [...Array.from({ length: 4 - shape.length }, () => dim(0)), ...strides];
}

const products = (head: string, args: readonly string[]): Code[] => wrapped(head, args, ");", WIDTH - 10);

function attendGradBody(starts: ReadonlyMap<string, string>, attrs: AttendGrad["attrs"], heads: Dim): Code[] {
  const isCut = attrs.window !== undefined;
  const ofKeys = new Set(["k", "v", "dk", "dv"]);
  const headStart = (name: string): string => {
    const head = ofKeys.has(name) ? "g" : "h";
    return `const ${name}From = ${sumText(starts.get(name)!, `b * ${name}Batch`, `${head} * ${name}Head`)};`;
  };
  const firstKey = (name: string): string => (isCut ? `${name}From + first * ${name}Row` : `${name}From`);
  return [
    ...keyOfFirstQuery(attrs),
    `const slopesAt = scoresAt + ${BLOCK_ROWS} * keys;`,
    ...(attrs.softcap > 0 ? [`const rawAt = scoresAt + ${2 * BLOCK_ROWS} * keys;`] : []),
    ...(attrs.alibi
      ? [`const slopes = [${alibiSlopes(constantDim(heads)!).map(numberText).join(", ")}];`]
      : []),
    ...forLoop("b", "batch", [
      ...forLoop("h", "heads", [
        "const g = Math.floor((h * keyHeads) / heads);",
        ...[...starts.keys()].map(headStart),
        ...(attrs.alibi ? ["const slope = slopes[h];"] : []),
        "let nan = 0;",
        ...block(`for (let start = 0; start < queries; start += ${BLOCK_ROWS}) {`, [
          `const rows = Math.min(${BLOCK_ROWS}, queries - start);`,
          ...(isCut ? ["const first = Math.min(keys, Math.max(0, start + behind - seen + 1));"] : []),
          `const length = ${lengthText(attrs)};`,
          ...products("multiply(", [
            ...["rows", "length", "width", "q", "qFrom + start * qRow", "qRow", "1"],
            ...["k", firstKey("k"), "kRow", "1", "scores", "scoresAt", "length"],
          ]),
          ...(attrs.softcap > 0 ? ["scores.copyWithin(rawAt, scoresAt, scoresAt + rows * length);"] : []),
          ...forLoop("r", "rows", [...rowBody(starts, attrs), ...(attrs.observe ? observeRow : [])]),
          ...products("addSeen(", [
            ...["length", "valueWidth", "rows", "scores", "scoresAt"],
            ...["grad", "gradFrom + start * gradRow", "gradRow", "dv", firstKey("dv"), "dvRow"],
          ]),
          ...products("multiply(", [
            ...["rows", "length", "valueWidth", "grad", "gradFrom + start * gradRow", "gradRow", "1"],
            ...["v", firstKey("v"), "vRow", "1", "scores", "slopesAt", "length"],
          ]),
          ...forLoop("r", "rows", slopeRow(starts, attrs)),
          ...products("multiply(", [
            ...["rows", "width", "length", "scores", "slopesAt", "length", "1"],
            ...["k", firstKey("k"), "1", "kRow", "dq", "dqFrom + start * dqRow", "dqRow"],
          ]),
          ...forLoop("r", "rows", [
            ...products("weighSeen(", [
              ...["width", "length", "scores", "slopesAt + r * length", "k", firstKey("k"), "kRow"],
              ...["dq", "dqFrom + (start + r) * dqRow"],
            ]),
          ]),
          ...products("addSeen(", [
            ...["length", "width", "rows", "scores", "slopesAt"],
            ...["q", "qFrom + start * qRow", "qRow", "dk", firstKey("dk"), "dkRow"],
          ]),
        ]),
        ...keysOfNaN,
      ]),
    ]),
  ];
}

const keysOfNaN: Code[] = [
  "// A row with NaN has it for the weights of all keys, those that it doesn't see too.",
  ...block("if (Number.isNaN(nan)) {", [
    ...forLoop("s", "keys", [
      "dk.fill(NaN, dkFrom + s * dkRow, dkFrom + s * dkRow + width);",
      "dv.fill(NaN, dvFrom + s * dvRow, dvFrom + s * dvRow + valueWidth);",
    ]),
  ]),
];

/** Turns a row of weights' gradients into those of the products q k: P (dP - Σ P dP), through cap and scale. */
function slopeRow(starts: ReadonlyMap<string, string>, attrs: AttendGrad["attrs"]): Code[] {
  const [cap, scale] = [numberText(attrs.softcap), numberText(attrs.scale)];
  const capped = [
    `const t = Math.tanh((${scale} * scores[rawAt + r * length + s]) / ${cap});`,
    `scores[to + s] = score === 0 ? 0 : ${scale} * score * (1 - t * t);`,
  ];
  const column = attrs.window === undefined ? "s" : "(first + s)";
  return [
    "const at = scoresAt + r * length;",
    "const to = slopesAt + r * length;",
    "let total = 0;",
    "let mean = 0;",
    ...forLoop("s", "length", [
      "total += scores[at + s];",
      "if (scores[at + s] !== 0) mean += scores[at + s] * scores[to + s];",
    ]),
    "nan += total;",
    ...forLoop("s", "length", [
      "const weight = scores[at + s];",
      "const score = weight === 0 ? 0 : weight * (scores[to + s] - mean);",
      ...(starts.has("dbias")
        ? [`dbias[dbiasFrom + (start + r) * dbiasRow + ${column} * dbiasStep] += score;`]
        : []),
      ...(attrs.softcap > 0 ? capped : [`scores[to + s] = ${scale} * score;`]),
    ]),
    ...(starts.has("dbias")
      ? block("if (Number.isNaN(total)) {", [
          "for (let j = 0; j < keys; j++) dbias[dbiasFrom + (start + r) * dbiasRow + j * dbiasStep] = NaN;",
        ])
      : []),
  ];
}
