import { rowStride } from "../../../kernels/view.ts";
import { dim, multiplyDims } from "../../../tensor/dim.ts";
import { CallBuilder } from "../call.ts";
import { block, forLoop, sumText } from "../../module/text.ts";
import { walk, walkedRows, walkedTensor } from "../walk.ts";
import type { TsKernel } from "./kernel.ts";
import { onlyView } from "../../../kernels/results.ts";

/** Rows of a table; an id outside it is a mistake of the caller, not a read past the end. */
const embedding: TsKernel<"embedding"> = ({ operands: { table, ids }, results }, naming) => {
  const call = new CallBuilder(naming);
  const out = onlyView(results);
  const tableAt = call.tensor("table", table);
  call.size("entries", table.type.shape[0]!);
  call.size("width", table.type.shape[1]!);
  call.size("tableStep", rowStride(table) ?? dim(0));
  const walked = [walkedTensor(call, "ids", ids), walkedRows(call, "out", out)];
  const { loops } = walk(call, ids.type.shape, walked);
  const body = loops(([idAt, outAt]) => [
    `const id = ids[${idAt!}];`,
    ...block("if (!(id >= 0 && id < entries)) {", [
      "throw new InputError(`the id ${id} is not in a table of ${entries} rows (0 to ${entries - 1})`);",
    ]),
    `const outRow = ${outAt!};`,
    `const row = ${sumText(tableAt, "id * tableStep")};`,
    ...forLoop("c", "width", ["out[outRow + c] = table[row + c];"]),
  ]);
  return call.finish("embedding", ["Rows of a table by id."], body);
};

const iota: TsKernel<"iota"> = ({ attrs: { size }, results }, naming) => {
  const call = new CallBuilder(naming);
  call.size("size", size);
  const outAt = call.tensor("out", onlyView(results));
  return call.finish("iota", ["0, 1, 2, …"], forLoop("i", "size", [`out[${sumText(outAt, "i")}] = i;`]));
};

/** T5's buckets; the logarithm is float32's, as the reference's, since it decides at exact powers. */
const relative_bucket: TsKernel<"relative_bucket"> = ({ attrs, results }, naming) => {
  const call = new CallBuilder(naming);
  call.size("rows", attrs.rows);
  call.size("columns", attrs.columns);
  const outAt = call.tensor("out", onlyView(results));
  const side = attrs.causal ? attrs.buckets : Math.floor(attrs.buckets / 2);
  const near = Math.floor(side / 2);
  const share = `Math.fround(Math.fround(Math.log(Math.fround(steps / ${near}))) / Math.fround(Math.log(${attrs.far} / ${near})))`;
  const far = `Math.min(${near} + Math.floor(Math.fround(${share} * ${side - near})), ${side - 1})`;
  const body = forLoop("i", "rows", [
    ...forLoop("j", "columns", [
      attrs.causal ? "const steps = Math.max(i - j, 0);" : "const steps = Math.abs(j - i);",
      `const bucket = steps < ${near} ? steps : ${far};`,
      `out[${sumText(outAt, "i * columns", "j")}] = ${attrs.causal ? "bucket" : `j > i ? ${side} + bucket : bucket`};`,
    ]),
  ]);
  return call.finish("relative_bucket", ["T5's bucket of the distance from query i to key j."], body);
};

/** The k largest of each row by insertion into the sorted list that is the result. */
const topk: TsKernel<"topk"> = ({ operands: { x }, attrs: { k }, results: [values, indices] }, naming) => {
  const call = new CallBuilder(naming);
  const [first, second] = [values!, indices!];
  call.size("width", x.type.shape.at(-1)!);
  call.size("k", dim(k));
  const walked = [
    walkedRows(call, "x", x),
    walkedRows(call, "values", first),
    walkedRows(call, "indices", second),
  ];
  const { loops } = walk(call, x.type.shape.slice(0, -1), walked, "row");
  const body = loops(([xAt, valuesAt, indicesAt]) => [
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

const spread: TsKernel<"spread"> = ({ operands: { values, indices }, attrs: { size }, results }, naming) => {
  const call = new CallBuilder(naming);
  const out = onlyView(results);
  call.size("count", values.type.shape.at(-1)!);
  call.size("size", dim(size));
  call.size("total", out.type.shape.reduce(multiplyDims, dim(1)));
  const walkedOut = walkedRows(call, "out", out);
  const walked = [walkedRows(call, "values", values), walkedRows(call, "indices", indices), walkedOut];
  const { loops } = walk(call, values.type.shape.slice(0, -1), walked, "row");
  const body = [
    `out.fill(0, ${walkedOut.start}, ${sumText(walkedOut.start, "total")});`,
    ...loops(([valuesAt, indicesAt, outAt]) => [
      ...forLoop("c", "count", [
        `const index = indices[${sumText(indicesAt!, "c")}];`,
        "if (!(index >= 0 && index < size)) throw new InputError(`the index ${index} has no place in an axis of ${size}`);",
        `out[${sumText(outAt!, "index")}] = values[${sumText(valuesAt!, "c")}];`,
      ]),
    ]),
  ];
  return call.finish("spread", ["Zeros with values put at their indices."], body);
};

export const lookupKernels = { embedding, iota, relative_bucket, spread, topk };
