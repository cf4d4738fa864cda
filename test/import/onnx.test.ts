import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { encodeMessage } from "../../src/checkpoint/onnx/protobuf.ts";
import {
  attributeTypes,
  elementTypes,
  messages,
  type ModelProto,
  type NodeProto,
} from "../../src/checkpoint/onnx/schema.ts";
import { Problem } from "../../src/checkpoint/problem.ts";
import { readOnnx } from "../../src/import/onnx/read.ts";
import type { HostTensor } from "../../src/tensor/host.ts";
import { opsets } from "../../src/export/onnx/opsets.ts";
import { goldenPlaces, goldenWeights } from "../export/onnx/goldens.ts";
import { createSession, differenceOf, modelBytes, runSession } from "../export/onnx/runtime.ts";
import { opened } from "../families/alone.ts";
import { goldenBytes, imported, interpreted } from "./onnx-models.ts";

const goldens = readdirSync(new URL("../golden/onnx/", import.meta.url)).map((name) =>
  name.replace(".onnx", ""),
);

/** Two texts, of which the second has two tokens of padding behind it. */
const inputs: Readonly<Record<string, HostTensor>> = {
  input_ids: { dtype: "i64", shape: [2, 4], data: Int32Array.from([3, 1, 4, 1, 5, 9, 2, 6]) },
  attention_mask: { dtype: "i64", shape: [2, 4], data: Int32Array.from([1, 1, 1, 1, 1, 1, 0, 0]) },
  token_type_ids: { dtype: "i64", shape: [2, 4], data: Int32Array.from([0, 0, 1, 1, 0, 1, 1, 1]) },
  x: {
    dtype: "f32",
    shape: [2, 4, 8],
    data: Float64Array.from({ length: 64 }, (_, at) => Math.fround(Math.sin(at))),
  },
};

/** A cache of no positions, which a model that is imported is without. */
function emptyCache(bytes: Uint8Array, past: readonly string[]): Readonly<Record<string, HostTensor>> {
  const read = readOnnx(bytes, "model.onnx", () => new Problem("E700", "there is none"));
  if (read instanceof Problem) throw new Error(read.message);
  const parts = read.inputs.filter(({ name }) => past.includes(name));
  return Object.fromEntries(
    parts.map(({ name, sizes }) => {
      const shape = sizes.map((size) => (size === "batch_size" ? 2 : typeof size === "number" ? size : 0));
      return [name, { dtype: "f32", shape, data: new Float64Array() }];
    }),
  );
}

/** Relative to the largest element: onnxruntime computes in float32, which rounds to 6e-8, some ten times a layer. */
const TOLERANCE = 1e-6;

test.each(goldens)("%s computes what onnxruntime computes, with its four residual edges", async (name) => {
  const bytes = goldenBytes(name);
  const model = imported(bytes);
  if (model instanceof Problem) throw new Error(model.message);
  const session = await createSession(bytes, {});
  const names = session.inputNames.filter((each) => !model.past.includes(each));
  const given = Object.fromEntries(names.map((each) => [each, inputs[each]!]));
  const expected = await runSession(session, { ...given, ...emptyCache(bytes, model.past) });
  await session.release();
  const found = interpreted(model, given);
  expect(differenceOf(found["y"]!, expected["y"]!)).toBeLessThan(TOLERANCE);
  expect(model.edges).toBeGreaterThanOrEqual(3);
  expect(model.text).toContain("attend");
});

test.each(goldens.filter((name) => /^(gpt2|llama)_/.test(name)))(
  "%s is read as a person writes such a model",
  (name) => {
    const model = imported(goldenBytes(name));
    if (model instanceof Problem) throw new Error(model.message);
    expect(model.text).toMatch(/repeat 2 as model\.(transformer\.h|model\.layers) \{/);
    expect(model.edges).toBe(4);
    // The new exporter hides padding by the lowest number, which is a bias: a row that sees nothing is the mean of all then.
    expect(model.text).toContain(name.includes("masked") ? "bias) -> attend" : "attend(causal: true)");
    if (name.startsWith("llama")) expect(model.text).toContain("heads(1) -> rope");
    expect(model.past).toHaveLength(name.endsWith("cached") ? 4 : 0);
    expect(Object.keys(Object.fromEntries(model.names))).toEqual([
      ...["input_ids", ...(name === "gpt2_dynamo" || name === "llama_dynamo" ? [] : ["attention_mask"])],
      "y",
    ]);
  },
);

test.each(["phi", "glm"].flatMap((name) => opsets.map((opset) => [name, opset] as const)))(
  "positions that turn a part of each head are one rope: %s, opset %d",
  (name, opset) => {
    const bytes = modelBytes(opened(name).graph, goldenPlaces(name), opset);
    const model = imported(bytes, () => goldenWeights(name));
    if (model instanceof Problem) throw new Error(model.message);
    expect(model.text).toMatch(/rope\(dims: 4, theta: 500/);
    expect(model.text).not.toMatch(/slice|concat/);
  },
);

const node = (opType: string, input: readonly string[], output: string): NodeProto => ({
  opType,
  input,
  output: [output],
  name: `node_${output}`,
  attribute: [],
});

const info = (name: string) => ({
  name,
  type: {
    tensorType: { elemType: elementTypes.f32, shape: { dim: [{ dimParam: "batch" }, { dimValue: 4 }] } },
  },
});

const bytesOf = (nodes: readonly NodeProto[], more: Partial<ModelProto["graph"]> = {}): Uint8Array =>
  encodeMessage(messages.ModelProto, {
    irVersion: 8,
    producerName: "test",
    graph: { node: nodes, name: "g", initializer: [], input: [info("x")], output: [info("y")], ...more },
    opsetImport: [{ domain: "", version: 17 }],
  });

const problemOf = (bytes: Uint8Array): string => {
  const found = imported(bytes);
  return found instanceof Problem ? `${found.code} ${found.message}` : found.text;
};

test("all nodes that are not known are listed at once, by op, with how many there are", () => {
  const bytes = bytesOf([node("Det", ["x"], "a"), node("Det", ["x"], "b"), node("NonZero", ["x"], "y")]);
  expect(problemOf(bytes)).toBe(
    "E776 model.onnx: lmg has no form for Det (2 nodes, the first `node_a`) and NonZero (`node_y`)",
  );
});

test("a node that is not known is listed behind another one too, and by what it gives where it has no name", () => {
  const nodes = [
    { ...node("Det", ["x"], "a"), name: "" },
    node("Relu", ["a"], "b"),
    node("NonZero", ["b"], "y"),
  ];
  expect(problemOf(bytesOf(nodes))).toBe(
    "E776 model.onnx: lmg has no form for Det (which gives `a`) and NonZero (`node_y`)",
  );
});

test("a node of too few inputs, or of a type that is none, is refused", () => {
  expect(problemOf(bytesOf([node("Add", ["x"], "y")]))).toBe(
    "E776 model.onnx: lmg has no form for Add with too few inputs: add has no y (`node_y`)",
  );
  const cast = { ...node("Cast", ["x"], "y"), attribute: [{ name: "to", i: 80, type: attributeTypes.i }] };
  expect(problemOf(bytesOf([cast]))).toBe(
    "E776 model.onnx: lmg has no form for Cast with a cast is of the element type 80, which lmg has not (`node_y`)",
  );
});

test("what is no model that is whole is refused with what is wrong", () => {
  expect(problemOf(bytesOf([node("Neg", ["a"], "y"), node("Neg", ["y"], "a")]))).toMatch(
    /E775 .*in a circle/,
  );
  expect(problemOf(bytesOf([node("Neg", ["nothing"], "y")]))).toMatch(/E775 .*which nothing makes/);
  const huge = {
    name: "w",
    dims: [2 ** 30, 2 ** 30],
    dataType: elementTypes.f32,
    rawData: new Uint8Array(4),
  };
  expect(problemOf(bytesOf([node("Add", ["x", "w"], "y")], { initializer: [huge] }))).toMatch(
    /E775 .*cannot be of shape/,
  );
  const short = { ...huge, dims: [4] };
  expect(
    problemOf(
      bytesOf([node("Add", ["x", "w"], "y")], { initializer: [{ ...short, rawData: new Uint8Array(12) }] }),
    ),
  ).toMatch(/E775 .*has 12 bytes/);
  const outside = {
    name: "w",
    dims: [4],
    dataType: elementTypes.f32,
    dataLocation: 1,
    externalData: [{ key: "location", value: "../w" }],
  };
  expect(problemOf(bytesOf([node("Add", ["x", "w"], "y")], { initializer: [outside] }))).toMatch(
    /E775 .*no file beside/,
  );
});

test("a cache whose sizes do not say how much was read before is refused by its name", () => {
  const sized = (name: string, sizes: readonly object[]) => ({
    name,
    type: { tensorType: { elemType: elementTypes.f32, shape: { dim: sizes } } },
  });
  const past = (rows: object) => sized("past_key_values.0.key", [{ dimParam: "batch" }, rows]);
  const bytes = (rows: object) =>
    bytesOf([node("Neg", ["x"], "y"), node("Neg", ["past_key_values.0.key"], "present.0.key")], {
      input: [info("x"), past(rows)],
      output: [info("y"), info("present.0.key")],
    });
  expect(problemOf(bytes({ dimValue: 4 }))).toBe(
    "E776 model.onnx: no size of the cache `past_key_values.0.key` says by a name of its own how much was read before",
  );
  expect(problemOf(bytes({}))).toMatch(/^E776 .*how much was read before/);
  expect(problemOf(bytes({ dimParam: "past" }))).toContain("output y");
});

test("a model cut anywhere is refused, and never throws", () => {
  const bytes = goldenBytes("decoder_dynamo");
  for (let length = 0; length < bytes.length; length += 997)
    expect(problemOf(bytes.subarray(0, length))).toMatch(/^E77[56] /);
});
