import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runPasses, passes } from "../../src/passes/pipeline.ts";
import { dim, symbolDim } from "../../src/tensor/dim.ts";
import { exportOnnx } from "../bench/onnx/export.ts";
import { reshapeSizes, type Form } from "../bench/onnx/exporter.ts";
import { OnnxGraph } from "../bench/onnx/writer.ts";
import { randomWeights } from "../bench/cpu/models.ts";
import { modelOf } from "../lower/support.ts";

/** The fields of a message: numbers, and bytes of what is nested. */
function fieldsOf(bytes: Uint8Array): readonly (readonly [number: number, value: bigint | Uint8Array])[] {
  const fields: (readonly [number, bigint | Uint8Array])[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte % 128) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const number = key >> 3;
    if (key % 8 === 0) {
      fields.push([number, varint()]);
      continue;
    }
    const length = key % 8 === 5 ? 4 : Number(varint());
    fields.push([number, bytes.subarray(at, at + length)]);
    at += length;
  }
  return fields;
}

const nested = (bytes: Uint8Array, number: number): readonly Uint8Array[] =>
  fieldsOf(bytes).flatMap(([each, value]) => (each === number && typeof value !== "bigint" ? [value] : []));

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

/** The op of each node, with the number of its inputs. */
function nodesOf(model: readonly Uint8Array[]): readonly (readonly [op: string, inputs: number])[] {
  const [graph] = nested(Buffer.concat(model), 7);
  return nested(graph!, 1).map((node) => [text(nested(node, 4)[0]), nested(node, 1).length]);
}

function chars(form: Form, last: string): readonly string[] {
  const source = readFileSync("examples/chars.lmg", "utf8");
  const { graph } = modelOf(source, { settings: { depth: 2, dim: 8, heads: 2, ctx: 8, vocab: 5 } });
  const lowered = runPasses(graph, {
    passes: passes.slice(0, passes.findIndex(({ name }) => name === last) + 1),
  });
  return nodesOf(exportOnnx(lowered, randomWeights(graph), form)).map(([op]) => op);
}

const count = (ops: readonly string[], op: string): number => ops.filter((each) => each === op).length;

test("the plain form has the ops of ONNX alone, the fused form onnxruntime's own", () => {
  const plain = chars("plain", "heads-last");
  expect(["LayerNormalization", "Softmax", "Trilu"].map((op) => count(plain, op))).toEqual([5, 2, 1]);
  expect(count(plain, "SkipLayerNormalization") + count(plain, "MultiHeadAttention")).toBe(0);
  const fused = chars("fused", "fuse-add-norm");
  expect(["SkipLayerNormalization", "MultiHeadAttention"].map((op) => count(fused, op))).toEqual([5, 2]);
  expect(count(fused, "LayerNormalization") + count(fused, "Softmax")).toBe(0);
});

test("operands that are left off at the end are not written, as onnxruntime ends without a word at some that are empty", () => {
  const graph = new OnnxGraph();
  graph.add("LayerNormalization", ["x", "w", ""]);
  graph.add("Clip", ["x", "", "most"]);
  expect(nodesOf(graph.finish([], []))).toEqual([
    ["LayerNormalization", 2],
    ["Clip", 3],
  ]);
});

test("a negative attribute is the 64 bits of its two's complement", () => {
  const graph = new OnnxGraph();
  graph.add("Softmax", ["x"], { axis: -1 });
  const [model] = nested(Buffer.concat(graph.finish([], [])), 7);
  const [attribute] = nested(nested(model!, 1)[0]!, 5);
  expect(fieldsOf(attribute!).find(([number]) => number === 3)?.[1]).toBe(2n ** 64n - 1n);
});

test("a reshape keeps the sizes that only a run knows, and leaves one open", () => {
  const [B, T] = [symbolDim("B"), symbolDim("T")];
  expect(reshapeSizes([B, T, dim(8)], [B, T, dim(2), dim(4)])).toEqual([0, 0, 2, 4]);
  expect(reshapeSizes([B, T, dim(8)], [symbolDim("N"), dim(8)])).toEqual([-1, 8]);
  expect(() => reshapeSizes([B, T], [T, B])).toThrow("are open");
});
