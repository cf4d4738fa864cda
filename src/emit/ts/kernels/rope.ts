import { append } from "../../../support/lists.ts";
import { readsLength, ropeFrequencies, ropeWidth } from "../../../ops/evaluate/rope.ts";
import type { Code } from "../../../support/text.ts";
import { invariant } from "../../../support/invariant.ts";
import { constantDim } from "../../../tensor/dim.ts";
import type { StepOf } from "../../../plan/plan.ts";
import { CallBuilder } from "../call.ts";
import { forLoop, numberText, sumText } from "../../module/text.ts";
import type { TsKernel } from "./kernel.ts";
import { onlyView } from "../../../kernels/results.ts";
import { walk } from "../walk.ts";

/** Pairs of channels turned by position × frequency; one sine and cosine serve all heads of a position. */
export const rope: TsKernel<"rope"> = ({ operands: { x, positions }, attrs, results }, naming) => {
  const call = new CallBuilder(naming);
  const out = onlyView(results);
  const [head, row] = attrs.layout === "heads_first" ? [1, 2] : [2, 1];
  const headWidth = constantDim(x.type.shape[3]!);
  invariant(headWidth !== undefined, "rope needs a head width known at compile time");
  const width = ropeWidth(attrs, headWidth);
  call.size("batch", x.type.shape[0]!);
  call.size("heads", x.type.shape[head]!);
  call.size("rows", x.type.shape[row]!);
  const starts = { x: "", out: "" };
  for (const [name, view] of [
    ["x", x],
    ["out", out],
  ] as const) {
    starts[name] = call.tensor(name, view);
    call.size(`${name}Batch`, view.strides[0]!);
    call.size(`${name}Head`, view.strides[head]!);
    call.size(`${name}Row`, view.strides[row]!);
  }
  const longest: Code[] = [];
  let positionsAt = "";
  if (positions !== undefined) {
    positionsAt = call.tensor("positions", positions);
    call.size("positionsBatch", positions.strides[0]!);
    call.size("positionsRow", positions.strides[1]!);
    if (readsLength(attrs)) {
      const { loops } = walk(
        call,
        positions.type.shape,
        [{ name: "positions", start: positionsAt, strides: positions.strides }],
        "all",
      );
      append(longest, [
        "let length = 0;",
        ...loops(([at]) => [`length = Math.max(length, positions[${at!}] + 1);`]),
      ]);
    }
  }
  const magnitude = attrs.attention_factor === 1 ? "" : `${numberText(attrs.attention_factor)} * `;
  const [first, second] = attrs.pairs === "halves" ? ["p", `p + ${width / 2}`] : ["2 * p", "2 * p + 1"];
  const body = [
    ...longest,
    ...frequencyLines(attrs, headWidth, width, positions === undefined ? "rows" : "length"),
    ...forLoop("b", "batch", [
      ...forLoop("t", "rows", [
        `const position = ${positions === undefined ? "t" : `positions[${sumText(positionsAt, "b * positionsBatch", "t * positionsRow")}]`};`,
        `const xRowAt = ${sumText(starts.x, "b * xBatch", "t * xRow")};`,
        `const outRowAt = ${sumText(starts.out, "b * outBatch", "t * outRow")};`,
        ...forLoop("p", String(width / 2), [
          "const angle = position * frequencies[p];",
          `const cos = ${magnitude}Math.cos(angle);`,
          `const sin = ${magnitude}Math.sin(angle);`,
          ...forLoop("h", "heads", [
            `const u = x[xRowAt + h * xHead + ${first}];`,
            `const v = x[xRowAt + h * xHead + ${second}];`,
            `out[outRowAt + h * outHead + ${first}] = u * cos ${attrs.inverse ? "+" : "-"} v * sin;`,
            `out[outRowAt + h * outHead + ${second}] = v * cos ${attrs.inverse ? "-" : "+"} u * sin;`,
          ]),
        ]),
        ...(width === headWidth
          ? []
          : forLoop("h", "heads", [
              `for (let i = ${width}; i < ${headWidth}; i++) out[outRowAt + h * outHead + i] = x[xRowAt + h * xHead + i];`,
            ])),
      ]),
    ]),
  ];
  const doc = `Rotary positions: pairs of the first ${width} channels, ${attrs.pairs}, scaling ${attrs.scaling}.`;
  return call.finish(attrs.pairs === "halves" ? "rope" : "rope_interleaved", [doc], body);
};

type Attrs = StepOf<"rope">["attrs"];

/** Radians a position: numbers; longrope has one list for short texts, one for long; the base of `dynamic` grows. */
function frequencyLines(attrs: Attrs, headWidth: number, width: number, length: string): string[] {
  const { theta, factor, original, scaling } = attrs;
  if (scaling === "dynamic")
    return [
      `const stretch = (${numberText(factor)} * Math.max(${length}, ${original})) / ${original} - ${numberText(factor - 1)};`,
      `const base = ${numberText(theta)} * stretch ** ${numberText(width / (width - 2))};`,
      `const frequencies = Array.from({ length: ${width / 2} }, (_, p) => base ** ((-2 * p) / ${width}));`,
    ];
  const list = (at: number): string =>
    `[${[...ropeFrequencies(attrs, headWidth, at)].map(numberText).join(", ")}]`;
  if (scaling !== "longrope") return [`const frequencies = ${list(1)};`];
  return [`const frequencies = ${length} > ${original} ? ${list(original + 1)} : ${list(original)};`];
}
