import { rowStep, type View } from "../../../kernels/view.ts";
import { expressionName } from "../../../kernels/names.ts";
import { onlyView } from "../../../kernels/results.ts";
import { LEAST_LARGEST } from "../../../ops/evaluate/quantized.ts";
import type { AttributesOf } from "../../../ops/table.ts";
import type { Code } from "../../../support/text.ts";
import { ROW_UNIT, zeroOf } from "../../../tensor/quantized.ts";
import { constantDim, dim, productOfDims } from "../../../tensor/dim.ts";
import { elementsOf } from "../../../tensor/type.ts";
import { refusals } from "../../loops/refusals.ts";
import { KernelBuilder } from "../../loops/builder.ts";
import { Place } from "../../loops/place.ts";
import { scalarOf } from "../../loops/scalar.ts";
import type { Name } from "../../loops/tree.ts";
import { block, forLoop, numberText, sumText } from "../../module/text.ts";
import { CallBuilder } from "../call.ts";
import { printStatements } from "../print.ts";
import { extraElement, loopName } from "./extra.ts";
import type { TsKernel } from "./kernel.ts";

interface PackedViews {
  readonly codes: View;
  readonly scales: View;
  readonly minimums: View | undefined;
}

type Form = Pick<AttributesOf<"dequantize">, "bits" | "block">;

/** A code by its index from the start of the codes. */
function codeText({ bits }: Form, hasMinimums: boolean, start: string, index: string): string {
  if (bits === 5) return fiveText(hasMinimums, start, index);
  const perWord = 32 / bits;
  const word = `codes[${sumText(start, `(${index} >> ${perWord === 4 ? 2 : 3})`)}]«!»`;
  return bits === 8
    ? `((${word} << (24 - 8 * (${index} & 3))) >> 24)`
    : `((${word} >>> (4 * (${index} & 7))) & 15)`;
}

/** A code of 5 bits: five words hold 32, the last of them their fifth bits (`fifthBit`). */
function fiveText(hasMinimums: boolean, start: string, index: string): string {
  const unit = `5 * (${index} >> 5)`;
  const low = `(codes[${sumText(start, unit, `((${index} >> 3) & 3)`)}]«!» >>> (4 * (${index} & 7)))`;
  const place = `(8 * ((${index} >> 1) & 3) + 2 * ((${index} >> 3) & 3) + (${index} & 1))`;
  const high = `(codes[${sumText(start, unit, "4")}]«!» >>> ${place})`;
  const code = `((${low} & 15) | ((${high} & 1) << 4))`;
  const zero = zeroOf(5, hasMinimums);
  return zero === 0 ? code : `(${code} - ${zero})`;
}

/** What gives an element of a packed matrix by its index and that of its block. */
function elementOf(call: CallBuilder, { codes, scales, minimums }: PackedViews, form: Form) {
  const codesAt = call.tensor("codes", codes);
  const scalesAt = call.tensor("scales", scales);
  const minimumsAt = minimums && call.tensor("minimums", minimums);
  return (index: string, blockIndex: string): string => {
    const product = `scales[${sumText(scalesAt, blockIndex)}]«!» * ${codeText(form, minimums !== undefined, codesAt, index)}`;
    return minimumsAt === undefined
      ? product
      : `${product} + minimums[${sumText(minimumsAt, blockIndex)}]«!»`;
  };
}

const dequantize: TsKernel<"dequantize"> = ({ operands, attrs, results }, placing) => {
  const out = onlyView(results);
  const call = new CallBuilder(placing);
  call.size("size", elementsOf(out.type));
  const element = elementOf(call, operands, attrs);
  const outAt = call.tensor("out", out);
  const body = forLoop("i", "size", [
    `out[${sumText(outAt, "i")}] = ${element("i", `Math.floor(i / ${attrs.block})`)};`,
  ]);
  return call.finish(`dequantize_${attrs.bits}`, ["scale · code + minimum of each element."], body);
};

/** The whole numbers of 32 elements that begin at an index, given to `store`; as float32 has each step. */
const roundLines = (element: (i: string) => string, store: (i: string, value: string) => Code): Code[] => [
  "let largest = 0;",
  ...forLoop("i", String(ROW_UNIT), [`largest = Math.max(largest, Math.abs(${element("i")}));`]),
  "const scale = Math.fround(largest / 127);",
  `const inverse = largest < ${numberText(LEAST_LARGEST)} ? 0 : Math.fround(127 / largest);`,
  ...forLoop("i", String(ROW_UNIT), [
    `const code = Math.floor(Math.fround(Math.fround(${element("i")} * inverse) + 0.5));`,
    store("i", "scale * (Number.isNaN(code) ? 0 : code)"),
  ]),
];

const round_blocks: TsKernel<"round_blocks"> = ({ operands, results }, placing) => {
  const out = onlyView(results);
  const call = new CallBuilder(placing);
  call.size("size", elementsOf(out.type));
  const [xAt, outAt] = [call.tensor("x", operands.x), call.tensor("out", out)];
  const body = block(
    `for (let start = 0; start < size; start += ${ROW_UNIT}) {`,
    roundLines(
      (i) => `x[${sumText(xAt, "start", i)}]«!»`,
      (i, value) => `out[${sumText(outAt, "start", i)}] = ${value};`,
    ),
  );
  return call.finish("round_blocks", ["Blocks of 32 as whole numbers times a scale."], body);
};

const packed_embedding: TsKernel<"packed_embedding"> = ({ operands, attrs, results }, placing) => {
  const { ids, ...packed } = operands;
  const out = onlyView(results);
  const call = new CallBuilder(placing);
  call.size("count", elementsOf(ids.type));
  call.size("entries", packed.codes.type.shape[0]!);
  call.size("width", out.type.shape.at(-1)!);
  const element = elementOf(call, packed, attrs);
  const [idsAt, outAt] = [call.tensor("ids", ids), call.tensor("out", out)];
  const body = forLoop("row", "count", [
    `const id = ids[${sumText(idsAt, "row")}]«!»;`,
    ...block("if (!(id >= 0 && id < entries)) {", [
      `throw new InputError(\`${refusals.id("id", "entries")}\`);`,
    ]),
    ...forLoop("c", "width", [
      "const at = id * width + c;",
      `out[${sumText(outAt, "row * width + c")}] = ${element("at", `Math.floor(at / ${attrs.block})`)};`,
    ]),
  ]);
  return call.finish(`packed_embedding_${attrs.bits}`, ["Rows of a packed table by id."], body);
};

/** Row m of x as `read`, rounded if the products read it so. */
const readRow = (xAt: string, isRounded: boolean): Code[] =>
  isRounded
    ? block(
        `for (let start = 0; start < depth; start += ${ROW_UNIT}) {`,
        roundLines(
          (i) => `x[${sumText(xAt, "m * xRow", "start", i)}]«!»`,
          (i, value) => `read[start + ${i}] = ${value};`,
        ),
      )
    : forLoop("p", "depth", [`read[p] = x[${sumText(xAt, "m * xRow", "p")}]«!»;`]);

/** The product of `read` with a row of the codes, while that is dequantized. */
const sumOf = (row: string, element: ReturnType<typeof elementOf>, { block: width }: Form): Code[] => [
  "let sum = 0;",
  ...forLoop("p", "depth", [
    `const at = ${row} * depth + p;`,
    `sum += read[p]«!» * (${element("at", `Math.floor(at / ${width})`)});`,
  ]),
];

/** A row of x, then each row of the weight. */
const packed_linear: TsKernel<"packed_linear"> = ({ operands, attrs, results }, placing) => {
  const { x, extras, ...packed } = operands;
  const out = onlyView(results);
  const call = new CallBuilder(placing);
  call.size("rows", productOfDims(out.type.shape.slice(0, -1)));
  call.size("columns", out.type.shape.at(-1)!);
  call.size("depth", x.type.shape.at(-1)!);
  const xAt = call.tensor("x", x);
  call.size("xRow", rowStep(x));
  const element = elementOf(call, packed, attrs);
  const elements = extras.map((extra, index) =>
    extraElement(call, extra, index, out, { row: m, column: [j] }),
  );
  const outAt = call.tensor("out", out);
  const k = new KernelBuilder();
  const finished = scalarOf(k, attrs.epilogue)([sum, ...elements]);
  k.store(new Place({ name: "out", dtype: out.type.dtype }).at(o).at(j), finished);
  const isRounded = attrs.activations === "int8";
  const body = [
    "const read = new Float64Array(depth);",
    ...forLoop("m", "rows", [
      ...readRow(xAt, isRounded),
      `const o = ${sumText(outAt, "m * columns")};`,
      ...forLoop("j", "columns", [...sumOf("j", element, attrs), ...printStatements(k.body, call, placing)]),
    ]),
  ];
  const words = attrs.epilogue.steps.length === 0 ? "" : `_${expressionName(attrs.epilogue)}`;
  const name = `packed_linear_${attrs.bits}${isRounded ? "_int8" : ""}${words}`;
  return call.finish(
    name,
    ["out = x wᵀ of a packed weight, each element finished before it is stored."],
    body,
  );
};

/** A row of x, then each row of the matrices that its choices chose. */
const packed_routed_linear: TsKernel<"packed_routed_linear"> = ({ operands, attrs, results }, placing) => {
  const { x, chosen, ...packed } = operands;
  const out = onlyView(results);
  const call = new CallBuilder(placing);
  const choices = chosen.type.shape.at(-1)!;
  const isShared = constantDim(x.type.shape.at(-2)!) === 1 && constantDim(choices) !== 1;
  call.size("rows", productOfDims(x.type.shape.slice(0, -1)));
  if (isShared) call.size("each", choices);
  call.size("experts", dim(attrs.experts));
  call.size("columns", out.type.shape.at(-1)!);
  call.size("depth", x.type.shape.at(-1)!);
  const xAt = call.tensor("x", x);
  call.size("xRow", rowStep(x));
  const element = elementOf(call, packed, attrs);
  const chosenAt = call.tensor("chosen", chosen);
  const outAt = call.tensor("out", out);
  const isRounded = attrs.activations === "int8";
  const ofChoice = [
    `const e = chosen[${sumText(chosenAt, "c")}]«!»;`,
    ...block("if (!(e >= 0 && e < experts)) {", [
      `throw new InputError(\`${refusals.index("e", "experts")}\`);`,
    ]),
    ...forLoop("j", "columns", [
      ...sumOf("(e * columns + j)", element, attrs),
      `out[${sumText(outAt, "c * columns", "j")}] = sum;`,
    ]),
  ];
  const body = [
    "const read = new Float64Array(depth);",
    ...forLoop("m", "rows", [
      ...readRow(xAt, isRounded),
      ...(isShared
        ? block("for (let c = m * each; c < (m + 1) * each; c++) {", ofChoice)
        : ["const c = m;", ...ofChoice]),
    ]),
  ];
  return call.finish(
    `packed_routed_linear_${attrs.bits}${isRounded ? "_int8" : ""}${isShared ? "_shared" : ""}`,
    ["out = x wᵀ with the packed matrix that each row chose."],
    body,
  );
};

const [m, j, o] = ["m", "j", "o"].map(loopName) as [Name, Name, Name];
const sum = { kind: "name", name: "sum", type: "float" } as const;

export const quantizedKernels = {
  dequantize,
  round_blocks,
  packed_embedding,
  packed_linear,
  packed_routed_linear,
};
