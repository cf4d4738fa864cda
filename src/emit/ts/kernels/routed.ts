import { onlyView } from "../../../kernels/results.ts";
import { rowStep } from "../../../kernels/view.ts";
import { constantDim, dim, productOfDims } from "../../../tensor/dim.ts";
import { block, forLoop, sumText, WIDTH, wrapped } from "../../module/text.ts";
import { CallBuilder } from "../call.ts";
import { BLOCK } from "../helpers/tiles.ts";
import type { TsKernel } from "./kernel.ts";

/**
 * The rows that chose a matrix, up to 128 side by side, times that matrix, in blocks of its columns. Matrices that none chose are
 * not read.
 */
export const routed_linear: TsKernel<"routed_linear"> = ({ operands, attrs, results }, placing) => {
  const { x, weight, chosen } = operands;
  const out = onlyView(results);
  const call = new CallBuilder(placing);
  const [columns, depth] = [out.type.shape.at(-1)!, x.type.shape.at(-1)!];
  const each = chosen.type.shape.at(-1)!;
  const isShared = constantDim(x.type.shape.at(-2)!) === 1 && constantDim(each) !== 1;
  call.size("choices", productOfDims(chosen.type.shape));
  call.size("experts", weight.type.shape[0]!);
  call.size("columns", columns);
  call.size("depth", depth);
  const xAt = call.tensor("x", x);
  call.size("xRow", rowStep(x));
  if (isShared) call.size("each", each);
  const wAt = call.tensor("w", weight);
  call.size("wRow", attrs.layout === "out_in" ? depth : dim(1));
  call.size("wStep", attrs.layout === "out_in" ? dim(1) : columns);
  const chosenAt = call.tensor("chosen", chosen);
  const outAt = call.tensor("out", out);
  call.scratch("scratch");
  call.helpers(["groupChoices", "multiplyBlock"]);
  const row = isShared ? "Math.floor(scratch[order + first + i] / each)" : "scratch[order + first + i]";
  const body = [
    `groupChoices(choices, experts, chosen, ${chosenAt}, scratch, scratchAt);`,
    "const order = scratchAt + experts + 1;",
    "const held = order + choices;",
    ...forLoop("e", "experts", [
      "const end = scratch[scratchAt + e + 1];",
      ...block(`for (let first = scratch[scratchAt + e]; first < end; first += ${BLOCK}) {`, [
        `const height = Math.min(${BLOCK}, end - first);`,
        ...forLoop("i", "height", [
          `const from = ${sumText(xAt, `${row} * xRow`)};`,
          ...forLoop("k", "depth", ["scratch[held + i * depth + k] = x[from + k];"]),
        ]),
        ...block(`for (let n = 0; n < columns; n += ${BLOCK}) {`, [
          `const width = Math.min(${BLOCK}, columns - n);`,
          ...wrapped(
            "multiplyBlock(",
            [
              ...["height", "width", "depth", "scratch", "held", "depth", "1"],
              ...["w", sumText(wAt, "e * columns * depth", "n * wRow"), "wRow", "wStep"],
            ],
            ");",
            WIDTH - 8,
          ),
          ...forLoop("i", "height", [
            `const to = ${sumText(outAt, "scratch[order + first + i] * columns", "n")};`,
            ...forLoop("j", "width", [`out[to + j] = product[${BLOCK} * i + j];`]),
          ]),
        ]),
      ]),
    ]),
  ];
  return call.finish(
    `routed_linear${isShared ? "_shared" : ""}`,
    ["out = x wᵀ with the matrix that each row chose, the rows of one matrix together."],
    body,
  );
};
