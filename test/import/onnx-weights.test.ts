import { expect, test } from "vitest";
import { elementTypes, EXTERNAL, type TensorProto } from "../../src/checkpoint/onnx/schema.ts";
import { Problem } from "../../src/checkpoint/problem.ts";
import { toHostTensor } from "../../src/checkpoint/stored.ts";
import { onnxLeftOut } from "../../src/import/onnx/left-out.ts";
import { readOnnx } from "../../src/import/onnx/read.ts";
import type { FindFile } from "../../src/import/onnx/tensors.ts";
import { imported, interpreted } from "./onnx-models.ts";
import { rawTensor, Small } from "./onnx-small.ts";

/** Numbers that floats of all kinds hold, bfloat16 with its seven bits of fraction too. */
const VALUES = [1, -2.5, 0.375, 96];

const x = { dtype: "f32", shape: [1, 4], data: Float64Array.from([1, 10, 100, 1000]) } as const;

const noFile: FindFile = (location) => new Problem("E700", `there is no file ${location}`);

/** What x · w is for a weight of four numbers; or why the file is refused. */
function timesX(weight: TensorProto, find: FindFile = noFile): readonly number[] | string {
  const small = new Small();
  const input = small.input("x", ["B", 4]);
  const as = small.op("Cast", [small.tensor(weight)], { to: elementTypes.f32 });
  return outcome(small.bytes(small.op("Mul", [input, as], {}, "y")), find);
}

function outcome(bytes: Uint8Array, find: FindFile = noFile): readonly number[] | string {
  const model = imported(bytes, find);
  if (model instanceof Problem) return `${model.code} ${model.message}`;
  return [...interpreted(model, { x })["y"]!.data];
}

const expected = (values: readonly number[]): readonly number[] => values.map((each, at) => each * 10 ** at);

test.each(["f32", "f64", "f16", "bf16"] as const)("a weight of %s by its bytes", (dtype) => {
  expect(timesX(rawTensor("w", dtype, [4], VALUES))).toEqual(expected(VALUES));
});

/** The elements of a tensor as it is read; or why the file is refused. */
function elementsRead(proto: TensorProto): readonly number[] {
  const small = new Small();
  const model = readOnnx(
    small.bytes(small.op("Gather", [small.input("x", [4]), small.tensor(proto)])),
    "m",
    noFile,
  );
  const read = model instanceof Problem ? model : toHostTensor(model.tensors.get(proto.name)!, proto.name);
  if (read instanceof Problem) throw new Error(read.message);
  return [...read.data];
}

test.each(["i8", "u8", "i16", "i32", "i64", "bool"] as const)(
  "whole numbers of %s by their bytes",
  (dtype) => {
    const values = dtype === "bool" ? [1, 0, 0, 1] : [7, 1, 0, 100];
    expect(elementsRead(rawTensor("w", dtype, [4], values))).toEqual(values);
  },
);

test.each([
  ["f32", { floatData: VALUES }, VALUES],
  ["f64", { doubleData: VALUES }, VALUES],
  // Bits of halves: sign, exponent, fraction.
  ["f16", { int32Data: [0x3c00, 0xc100, 0x3600, 0x5600] }, VALUES],
  ["bf16", { int32Data: [0x3f80, 0xc020, 0x3ec0, 0x42c0] }, VALUES],
  ["i32", { int32Data: [-1, 2, 3, -2147483648] }, [-1, 2, 3, -2147483648]],
  ["i64", { int64Data: [-1, 2, 3, 4] }, [-1, 2, 3, 4]],
  ["i8", { int32Data: [-128, 2, 3, 4] }, [-128, 2, 3, 4]],
  ["bool", { int32Data: [1, 0, 1, 0] }, [1, 0, 1, 0]],
] as const)("numbers of %s one by one", (dtype, data, values) => {
  expect(elementsRead({ name: "w", dims: [4], dataType: elementTypes[dtype], ...data })).toEqual(values);
});

test("fewer numbers than elements, and kinds that lmg has not, are refused", () => {
  const dataType = elementTypes.f32;
  expect(timesX({ name: "w", dims: [4], dataType, floatData: [1, 2] })).toMatch(/E775 .*has 2 of 4 elements/);
  expect(timesX({ name: "w", dims: [4], dataType, doubleData: VALUES })).toMatch(
    /E775 .*has 0 of 4 elements/,
  );
  expect(timesX({ name: "w", dims: [4], dataType: 8 })).toMatch(/E775 .*element type 8/);
});

/** A file beside the model, in which the weight stands behind so many bytes. */
function besides(lead: number): Uint8Array {
  const { rawData } = rawTensor("w", "f32", [4], VALUES);
  return Uint8Array.from([...new Uint8Array(lead).fill(170), ...rawData!, 170]);
}

const outside = (entries: Readonly<Record<string, string>>): TensorProto => ({
  name: "w",
  dims: [4],
  dataType: elementTypes.f32,
  dataLocation: EXTERNAL,
  externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
});

test.each([0, 3, 16])("a weight of another file, behind %d bytes", (lead) => {
  const asked: string[] = [];
  const find: FindFile = (location) => {
    asked.push(location);
    return besides(lead);
  };
  const weight = outside({ location: "data/w.bin", offset: String(lead), length: "16" });
  expect(timesX(weight, find)).toEqual(expected(VALUES));
  expect(asked).toEqual(["data/w.bin"]);
});

test.each([
  [{ location: "w.bin", offset: "4", length: "16" }, /lies beyond the end of/],
  [{ location: "w.bin", offset: "-4", length: "16" }, /lies beyond the end of/],
  [{ location: "w.bin", offset: "0.5", length: "16" }, /lies beyond the end of/],
  [{ location: "w.bin", offset: "all", length: "16" }, /lies beyond the end of/],
  [{ location: "w.bin", offset: "0", length: "12" }, /has 12 bytes/],
  [{ location: "w.bin" }, /has 17 bytes/],
  [{ location: "../w.bin" }, /no file beside/],
  [{ location: "data/../../w.bin" }, /no file beside/],
  [{ location: "data\\..\\..\\w.bin" }, /no file beside/],
  [{ location: "/w.bin" }, /no file beside/],
  [{ location: "C:\\w.bin" }, /no file beside/],
  [{ offset: "0" }, /no file beside/],
] as const)("%j is refused", (entries, message) => {
  expect(timesX(outside(entries), () => besides(0))).toMatch(message);
});

test("a file of weights that is missing is called by its name", () => {
  expect(timesX(outside({ location: "w.bin" }))).toMatch(/E775 .*there is no file w\.bin/);
});

test.each([
  ["value_float", 2.5, [2.5, 2.5, 2.5, 2.5]],
  ["value_floats", VALUES, VALUES],
  ["value_int", 3, [3, 3, 3, 3]],
  ["value", rawTensor("", "f16", [4], VALUES), VALUES],
] as const)("a Constant by %s", (name, value, values) => {
  const small = new Small();
  const input = small.input("x", ["B", 4]);
  const number = small.op("Cast", [small.op("Constant", [], { [name]: value })], { to: elementTypes.f32 });
  expect(outcome(small.bytes(small.op("Mul", [input, number], {}, "y")))).toEqual(expected(values));
});

test("a Constant by value_ints, as axes", () => {
  const small = new Small();
  const axes = small.op("Constant", [], { value_ints: [0, 1] });
  const sum = small.op("ReduceSum", [small.input("x", [1, 4]), axes], { keepdims: 0 }, "y");
  expect(outcome(small.bytes(sum))).toEqual([1111]);
});

test("an attribute of 0 that a writer of Protocol Buffers 3 leaves out is 0, not what the op has without it", () => {
  const small = new Small();
  const input = small.input("x", [1, 4]);
  small.nodes.push({
    opType: "Softmax",
    input: [input],
    output: ["y"],
    name: "softmax",
    attribute: [{ name: "axis", type: 2 }],
  });
  expect(outcome(small.bytes("y"))).toEqual([1, 1, 1, 1]);
});

test("an initializer that is an input too is a weight", () => {
  const small = new Small();
  const input = small.input("x", ["B", 4]);
  const weight = small.weight("w", [4], VALUES);
  small.input(weight, [4]);
  expect(outcome(small.bytes(small.op("Mul", [input, weight], {}, "y")))).toEqual(expected(VALUES));
});

const SQUARE = Array.from({ length: 16 }, (_, at) => (at * at) % 7);

/** x M for a matrix by rows, and x Mᵀ. */
const rowsOf = (matrix: readonly number[], row: readonly number[], isTurned = false): readonly number[] =>
  row.map((_, n) => row.reduce((sum, each, k) => sum + each * matrix[isTurned ? n * 4 + k : k * 4 + n]!, 0));

test.each(["fc.weight", "onnx::MatMul_7"])(
  "a matrix %s is one parameter that two products share, one of them turned",
  (name) => {
    const small = new Small();
    const matrix = small.weight(name, [4, 4], SQUARE);
    const first = small.op("MatMul", [small.input("x", ["B", 4]), matrix]);
    const bytes = small.bytes(small.op("Gemm", [first, matrix], { transB: 1 }, "y"));
    const model = imported(bytes);
    expect(model instanceof Problem ? model.message : model.tensors.size).toBe(1);
    expect(outcome(bytes)).toEqual(rowsOf(SQUARE, rowsOf(SQUARE, [...x.data]), true));
  },
);

test.each(["fc.weight", "onnx::MatMul_7"])(
  "a matrix %s of a MatMul keeps its numbers in their places",
  (name) => {
    const small = new Small();
    const matrix = small.weight(name, [4, 4], SQUARE);
    const bytes = small.bytes(small.op("MatMul", [small.input("x", ["B", 4]), matrix], {}, "y"));
    expect(outcome(bytes)).toEqual(rowsOf(SQUARE, [...x.data]));
  },
);

test("a mask of tokens that is read as numbers too stays an input of numbers", () => {
  const small = new Small();
  const ids = small.input("x", ["B", 4], "i64");
  const truth = small.op("Cast", [small.op("Cast", [ids], { to: elementTypes.bool })], {
    to: elementTypes.i64,
  });
  const both = small.op("Concat", [ids, truth], { axis: 1 });
  const bytes = small.bytes(small.op("Cast", [both], { to: elementTypes.f32 }, "y"));
  expect(outcome(bytes)).toEqual([1, 10, 100, 1000, 1, 1, 1, 1]);
});

test("weights that no output needs are told, what only a dead node reads too", () => {
  const small = new Small();
  const input = small.input("x", ["B", 4]);
  for (const name of ["unread", "dead"]) small.weight(name, [4], VALUES);
  small.op("Add", [input, "dead"]);
  const model = readOnnx(
    small.bytes(small.op("Mul", [input, small.weight("w", [4], VALUES)], {}, "y")),
    "m",
    noFile,
  );
  if (model instanceof Problem) throw new Error(model.message);
  expect(onnxLeftOut(model)).toEqual(["unread", "dead"]);
});
