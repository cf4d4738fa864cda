import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { CheckpointTensor } from "../../../src/checkpoint/match.ts";
import { Problem } from "../../../src/checkpoint/problem.ts";
import { joinPublished } from "../../../src/checkpoint/quantized/published.ts";
import { compressedTensors } from "../../../src/checkpoint/quantized/write.ts";
import { toFloat32, toStored, type StoredTensor } from "../../../src/checkpoint/stored.ts";
import { quantizeMatrix } from "../../../src/quantize/blocks.ts";
import { safetensorsCheckpoint } from "../../../src/run/weights.ts";
import { hostTensor } from "../../../src/tensor/host.ts";
import { RandomStream } from "../../../src/tensor/random.ts";
import { joinStacks } from "../../../src/checkpoint/stacks.ts";
import { awq, gptq, i32, packed, wanted } from "./columns.ts";
import { dequantized } from "../../../src/tensor/quantized.ts";

function opened(file: string): ReadonlyMap<string, CheckpointTensor> {
  const bytes = readFileSync(new URL(`./${file}.safetensors`, import.meta.url));
  const checkpoint = safetensorsCheckpoint(bytes, file);
  if (checkpoint instanceof Problem) throw new Error(checkpoint.message);
  return checkpoint.tensors;
}

const asCheckpoint = (tensors: Iterable<readonly [string, StoredTensor]>) =>
  new Map([...tensors].map(([name, stored]) => [name, { ...stored, read: () => stored }] as const));

function joined(tensors: ReadonlyMap<string, CheckpointTensor>): ReadonlyMap<string, CheckpointTensor> {
  const found = joinPublished(tensors, "file");
  if (found instanceof Problem) throw new Error(found.message);
  return found;
}

describe("weights that compressed-tensors packed are what it unpacks", () => {
  test.each([
    ["int8_groups", { bits: 8, block: 32, hasMinimums: false }],
    ["int8_rows_bf16", { bits: 8, block: 32, hasMinimums: false }],
    ["pack8_zero_points", { bits: 8, block: 32, hasMinimums: true }],
    ["pack4_groups", { bits: 4, block: 32, hasMinimums: true }],
    ["pack4_zero_points", { bits: 4, block: 32, hasMinimums: true }],
    ["pack4_rows_f16", { bits: 4, block: 32, hasMinimums: true }],
  ] as const)("%s", (file, form) => {
    const tensors = joined(opened(file));
    expect([...tensors.keys()].sort()).toEqual(["expected", "layer.weight"]);
    const weight = tensors.get("layer.weight")!;
    expect(weight.quantized!.form).toEqual(form);
    const [found, expected] = [toFloat32(weight.read()), toFloat32(tensors.get("expected")!.read())];
    // It rounds to the scale's dtype: half a step of bfloat16, float16, or of float32 where a minimum is added.
    const step = file.endsWith("bf16") ? 2 ** -8 : file.endsWith("f16") ? 2 ** -11 : 2 ** -21;
    found.forEach((value, i) => {
      expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(step * Math.max(1, Math.abs(expected[i]!)));
    });
  });
});

describe("what is written is what is read", () => {
  const random = new RandomStream(9, "written");
  const data = Float32Array.from({ length: 12 * 64 }, () => random.normal());
  test.each([8, 4] as const)("in %d bits", (bits) => {
    const made = quantizeMatrix({ shape: [12, 64], data }, bits);
    const tensors = joined(asCheckpoint(compressedTensors("layer.weight", made)));
    expect([...tensors.keys()]).toEqual(["layer.weight"]);
    const read = tensors.get("layer.weight")!.quantized!.read();
    expect(read.codes).toEqual(made.codes);
    expect(dequantized(read)).toEqual(dequantized(made));
  });
});

describe("what is written is byte by byte what compressed-tensors writes", () => {
  test.each(["int8_groups", "pack4_zero_points"])("of %s", (file) => {
    const tensors = opened(file);
    const read = joined(tensors).get("layer.weight")!.quantized!.read();
    const written = compressedTensors("layer.weight", read);
    expect(written.map(([name]) => name).sort()).toEqual(
      [...tensors.keys()].filter((name) => name !== "expected").sort(),
    );
    for (const [name, { dtype, shape, bytes }] of written) {
      const own = tensors.get(name)!.read();
      expect([name, dtype, shape]).toEqual([name, own.dtype, own.shape]);
      expect([...bytes]).toEqual([...own.bytes]);
    }
  });
});

const f32 = (shape: readonly number[], values: ArrayLike<number>) =>
  toStored(hostTensor("f32", shape, values));

describe("columns of codes", () => {
  test("of GPTQ, packed along the columns, zero points less one", () => {
    const order = {
      "a.g_idx": i32(
        [64],
        Array.from({ length: 64 }, (_, k) => Math.floor(k / 32)),
      ),
    };
    const tensors = joined(asCheckpoint([...gptq("a"), ...Object.entries(order)]));
    expect([...tensors.keys()]).toEqual(["a.weight"]);
    expect(toFloat32(tensors.get("a.weight")!.read())).toEqual(wanted());
  });

  test("of GPTQ in another order are refused", () => {
    const order = {
      "a.g_idx": i32(
        [64],
        Array.from({ length: 64 }, (_, k) => k % 2),
      ),
    };
    const problem = joinPublished(asCheckpoint([...gptq("a"), ...Object.entries(order)]), "file");
    expect(problem).toBeInstanceOf(Problem);
    expect((problem as Problem).message).toContain("act-order");
  });

  test("of AWQ, packed along the rows, nibbles in the order 0 2 4 6 1 3 5 7", () => {
    const tensors = joined(asCheckpoint(awq("a")));
    expect(toFloat32(tensors.get("a.weight")!.read())).toEqual(wanted());
  });
});

/** MXFP4 of one expert: numbers of E2M1 that count up from another each time, scales of 1 and 2. */
const mxfp4 = (name: string, turn: number): readonly (readonly [string, StoredTensor])[] => {
  const u8 = (shape: readonly number[], values: ArrayLike<number>) =>
    toStored(hostTensor("u8", shape, values));
  const numbers = Array.from({ length: 8 * 32 }, (_, at) => (at + turn) % 256);
  const powers = Array.from({ length: 16 }, (_, at) => 127 + (at % 2));
  return [
    [`${name}.weight_packed`, u8([8, 32], numbers)],
    [`${name}.weight_scale`, u8([8, 2], powers)],
  ];
};

describe("experts that are published one by one, with codes", () => {
  test.each([
    ["GPTQ", gptq],
    ["AWQ", awq],
    ["compressed-tensors", packed],
    ["MXFP4", mxfp4],
  ] as const)("of %s are one stack of codes", (_, written) => {
    const names = [0, 1, 2].map((expert) => `mlp.experts.${expert}.up_proj`);
    const each = joined(asCheckpoint(names.flatMap((name, expert) => written(name, expert))));
    const parts = names.map((name) => each.get(`${name}.weight`)!);
    const stack = { name: "mlp.experts.*.up_proj.weight", shape: [3, 8, 64] };
    const tensors = joinStacks([stack], each);
    expect([...tensors.keys()]).toEqual([stack.name]);
    const { shape, read, quantized } = tensors.get(stack.name)!;
    const expected = parts.flatMap((part) => [...toFloat32(part.read())]);
    expect(new Set(expected).size).toBeGreaterThan(10);
    expect([shape, [...toFloat32(read())]]).toEqual([[3, 8, 64], expected]);
    // Rows of two experts, as they are taken into a model that keeps codes.
    expect([...dequantized(quantized!.readRows!(5, 12))]).toEqual(expected.slice(5 * 64, 12 * 64));
  });

  test("of GPTQ, AWQ and compressed-tensors are the same matrices", () => {
    for (const written of [gptq, awq, packed])
      expect(
        toFloat32(
          joined(asCheckpoint(written("a", 2)))
            .get("a.weight")!
            .read(),
        ),
      ).toEqual(wanted(2));
  });
});

test.each([
  ["a.weight.absmax", "bitsandbytes"],
  ["a.weight.quant_state.bitsandbytes__nf4", "bitsandbytes"],
  ["a.input_scale", "activations with stored scales"],
])("%s is refused by name", (name, what) => {
  const problem = joinPublished(asCheckpoint([[name, f32([1], [1])]]), "file");
  expect((problem as Problem).message).toContain(what);
});

test("whole numbers without scales stay whole numbers, which no float parameter takes", () => {
  const i8 = toStored(hostTensor("i8", [2, 32], new Int8Array(64)));
  expect(joined(asCheckpoint([["a.weight", i8]])).get("a.weight")!.dtype).toBe("i8");
});
