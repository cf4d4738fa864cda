import { expect, test } from "vitest";
import { onnxModel } from "../../../src/export/onnx/emit.ts";
import type { FindPlace } from "../../../src/export/onnx/exporter.ts";
import type { Opset } from "../../../src/export/onnx/opsets.ts";
import type { AttributeProto, ModelProto, ValueInfoProto } from "../../../src/checkpoint/onnx/schema.ts";
import { parse } from "../../../src/language/parse.ts";
import { lower } from "../../../src/lower/lower.ts";

/** Weights of halves, in a file of their own. */
const places: FindPlace = (name) => [
  {
    dtype: name.endsWith("norm.weight") ? "f32" : "bf16",
    shape: [8, 8],
    location: "model.safetensors",
    offset: 96,
    length: 128,
  },
];

/** An ONNX model as text: a line a value. */
function textOf({ graph, opsetImport }: ModelProto): string {
  const typed = ({ name, type }: ValueInfoProto): string =>
    `${name}: ${type.tensorType.elemType}[${type.tensorType.shape!.dim.map(({ dimValue, dimParam }) => dimValue ?? dimParam).join(", ")}]`;
  const attribute = ({ name, i, f, s, ints }: AttributeProto): string =>
    `${name}=${String(i ?? f?.toFixed(6) ?? s ?? `[${ints!.join()}]`)}`;
  return [
    `opset ${opsetImport[0]!.version}`,
    `in ${graph.input.map(typed).join(", ")}`,
    ...graph.initializer.map(
      ({ name, dataType, dims, externalData }) =>
        `tensor ${name}: ${dataType}[${dims.join()}]${externalData === undefined ? "" : ` at ${externalData.map(({ value }) => value).join()}`}`,
    ),
    ...graph.node.map(({ output, opType, input, attribute: attributes, docString = "" }) =>
      `${output.join()} = ${opType}(${input.join(", ")})${attributes.map((each) => ` ${attribute(each)}`).join("")}  ${docString}`.trimEnd(),
    ),
    `out ${graph.output.map(typed).join(", ")}`,
  ].join("\n");
}

function modelText(text: string, opset?: Opset): string {
  const { model } = lower(parse({ name: "m.lmg", text }).file, {});
  const made = onnxModel(model!.graph, { places, ...(opset && { opset }) });
  if ("reason" in made) throw new Error(made.detail);
  return textOf(made);
}

const block = `model m(dim = 8) {
  input tokens: i32[B, T]
  wte: embedding(16, dim)
  residual pre norm: rmsnorm, branch 0.5 { up: linear(dim, bias: false) -> gelu }
  unembed(wte)
  output logits: f32[B, T, 16]
}`;

test("edges and layers name nodes, weights point into their file, a tied table is one", () => {
  expect(modelText(block)).toMatchInlineSnapshot(`
    "opset 23
    in tokens: 6[B, T]
    tensor wte.weight: 16[8,8] at model.safetensors,96,128
    tensor norm.weight: 1[8,8] at model.safetensors,96,128
    tensor up.weight: 16[8,8] at model.safetensors,96,128
    tensor number: 1[]
    wte.weight/Cast = Cast(wte.weight) to=1
    wte/Gather = Gather(wte.weight/Cast, tokens) axis=0  m.lmg:3
    norm/RMSNormalization = RMSNormalization(wte/Gather, norm.weight) axis=-1 epsilon=0.000001  m.lmg:4
    up.weight/Cast = Cast(up.weight) to=1
    up.weight/Transpose = Transpose(up.weight/Cast) perm=[1,0]
    up/MatMul = MatMul(norm/RMSNormalization, up.weight/Transpose)  m.lmg:4
    Gelu = Gelu(up/MatMul) approximate=none  m.lmg:4
    edge_0/Mul = Mul(Gelu, number)  m.lmg:4
    edge_0/Add = Add(wte/Gather, edge_0/Mul)  m.lmg:4
    wte.weight/Transpose = Transpose(wte.weight/Cast) perm=[1,0]
    logits = MatMul(edge_0/Add, wte.weight/Transpose)  m.lmg:5
    out logits: 1[B, T, 16]"
  `);
});

test("an older version has the norm and the gelu as what they are", () => {
  expect(modelText(block, 17)).toMatchInlineSnapshot(`
    "opset 17
    in tokens: 6[B, T]
    tensor wte.weight: 16[8,8] at model.safetensors,96,128
    tensor norm.weight: 1[8,8] at model.safetensors,96,128
    tensor number: 1[]
    tensor number_1: 1[]
    tensor up.weight: 16[8,8] at model.safetensors,96,128
    tensor number_2: 1[]
    tensor number_3: 1[]
    tensor number_4: 1[]
    wte.weight/Cast = Cast(wte.weight) to=1
    wte/Gather = Gather(wte.weight/Cast, tokens) axis=0  m.lmg:3
    norm/Pow = Pow(wte/Gather, number)  m.lmg:4
    norm/ReduceMean = ReduceMean(norm/Pow) axes=[2] keepdims=1  m.lmg:4
    norm/Add = Add(norm/ReduceMean, number_1)  m.lmg:4
    norm/Sqrt = Sqrt(norm/Add)  m.lmg:4
    norm/Div = Div(wte/Gather, norm/Sqrt)  m.lmg:4
    norm/Mul = Mul(norm/Div, norm.weight)  m.lmg:4
    up.weight/Cast = Cast(up.weight) to=1
    up.weight/Transpose = Transpose(up.weight/Cast) perm=[1,0]
    up/MatMul = MatMul(norm/Mul, up.weight/Transpose)  m.lmg:4
    Div = Div(up/MatMul, number_2)  m.lmg:4
    Erf = Erf(Div)  m.lmg:4
    Add = Add(Erf, number_3)  m.lmg:4
    Mul = Mul(up/MatMul, Add)  m.lmg:4
    Mul_1 = Mul(Mul, number_4)  m.lmg:4
    edge_0/Mul = Mul(Mul_1, number_4)  m.lmg:4
    edge_0/Add = Add(wte/Gather, edge_0/Mul)  m.lmg:4
    wte.weight/Transpose = Transpose(wte.weight/Cast) perm=[1,0]
    logits = MatMul(edge_0/Add, wte.weight/Transpose)  m.lmg:5
    out logits: 1[B, T, 16]"
  `);
});

test.each([
  ["x, x, x", "causal: true", true],
  ["x, x, x", "softcap: 20.0", true],
  ["x, x, x", "softcap: 20.0, causal: true", false],
  ["x, x, x, b", "softcap: 20.0", false],
])(
  "(%s) -> attend(%s): the op for attention, unless a softcap meets what hides or biases scores",
  (values, options, isOp) => {
    const text = modelText(`model m {
  input x: f32[B, 2, T, 4]
  input b: f32[B, 2, T, T]
  kept = b
  (${values}) -> attend(${options}) as y
  output y
  kept
  output same
}`);
    expect(/ = Attention\(/.test(text)).toBe(isOp);
  },
);
