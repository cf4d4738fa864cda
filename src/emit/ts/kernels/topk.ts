import { dim } from "../../../tensor/dim.ts";
import { CallBuilder } from "../call.ts";
import { block, forLoop } from "../../module/text.ts";
import { walk, walkedTensor } from "../walk.ts";
import type { TsKernel } from "./kernel.ts";

/** The k largest of each row by insertion into the sorted list that is the result. */
export const topk: TsKernel<"topk"> = (
  { operands: { x }, attrs: { k }, results: [values, indices] },
  placing,
) => {
  const call = new CallBuilder(placing);
  const [first, second] = [values!, indices!];
  call.size("width", x.type.shape.at(-1)!);
  call.size("k", dim(k));
  const rank = x.type.shape.length - 1;
  const walked = [
    walkedTensor(call, "x", x, rank),
    walkedTensor(call, "values", first, rank),
    walkedTensor(call, "indices", second, rank),
  ];
  const body = walk(call, x.type.shape.slice(0, -1), walked, "row", ([xAt, valuesAt, indicesAt]) => [
    `const xRow = ${xAt!};`,
    `const valuesRow = ${valuesAt!};`,
    `const indicesRow = ${indicesAt!};`,
    "let held = 0;",
    ...forLoop("c", "width", [
      "const value = x[xRow + c];",
      "let place = held;",
      "// NaN comes before every number, an equal element after those before it.",
      ...block("while (place > 0) {", [
        "const above = values[valuesRow + place - 1];",
        "if (!(value > above || (value !== value && above === above))) break;",
        "place--;",
      ]),
      "if (place === k) continue;",
      "if (held < k) held++;",
      ...block("for (let m = held - 1; m > place; m--) {", [
        "values[valuesRow + m] = values[valuesRow + m - 1];",
        "indices[indicesRow + m] = indices[indicesRow + m - 1];",
      ]),
      "values[valuesRow + place] = value;",
      "indices[indicesRow + place] = c;",
    ]),
  ]);
  return call.finish(
    "topk",
    ["The k largest elements of each row, largest first, and where they stood."],
    body,
  );
};
