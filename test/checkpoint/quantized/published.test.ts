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

const i32 = (shape: readonly number[], values: ArrayLike<number>) =>
  toStored(hostTensor("i32", shape, values));
const f32 = (shape: readonly number[], values: ArrayLike<number>) =>
  toStored(hostTensor("f32", shape, values));

/** 4-bit codes [64, 8] of 64 columns and 8 rows, with a zero point of 7 and scales of 0.5, 1, … a row. */
const codeOf = (row: number, column: number): number => (3 * row + column) % 16;
const wanted = Float32Array.from({ length: 8 * 64 }, (_, index) => {
  const [row, column] = [Math.floor(index / 64), index % 64];
  return (codeOf(row, column) - 7) * (row + 1) * 0.5;
});
const scales = f32(
  [2, 8],
  Array.from({ length: 16 }, (_, i) => ((i % 8) + 1) * 0.5),
);
const words = (count: number, nibble: (word: number, place: number) => number): number[] =>
  Array.from({ length: count }, (_, word) => {
    let all = 0;
    for (let place = 0; place < 8; place++) all |= nibble(word, place) << (4 * place);
    return all;
  });

describe("columns of codes", () => {
  const gptq = {
    "a.qweight": i32(
      [8, 8],
      words(64, (word, place) => codeOf(word % 8, 8 * Math.floor(word / 8) + place)),
    ),
    // Less one, as GPTQ stores it.
    "a.qzeros": i32(
      [2, 1],
      words(2, () => 6),
    ),
    "a.scales": scales,
  };

  test("of GPTQ, packed along the columns, zero points less one", () => {
    const order = {
      "a.g_idx": i32(
        [64],
        Array.from({ length: 64 }, (_, k) => Math.floor(k / 32)),
      ),
    };
    const tensors = joined(asCheckpoint(Object.entries({ ...gptq, ...order })));
    expect([...tensors.keys()]).toEqual(["a.weight"]);
    expect(toFloat32(tensors.get("a.weight")!.read())).toEqual(wanted);
  });

  test("of GPTQ in another order are refused", () => {
    const order = {
      "a.g_idx": i32(
        [64],
        Array.from({ length: 64 }, (_, k) => k % 2),
      ),
    };
    const problem = joinPublished(asCheckpoint(Object.entries({ ...gptq, ...order })), "file");
    expect(problem).toBeInstanceOf(Problem);
    expect((problem as Problem).message).toContain("act-order");
  });

  test("of AWQ, packed along the rows, nibbles in the order 0 2 4 6 1 3 5 7", () => {
    const rowAt = [0, 2, 4, 6, 1, 3, 5, 7];
    const tensors = joined(
      asCheckpoint(
        Object.entries({
          "a.qweight": i32(
            [64, 1],
            words(64, (column, place) => codeOf(rowAt[place]!, column)),
          ),
          "a.qzeros": i32(
            [2, 1],
            words(2, () => 7),
          ),
          "a.scales": scales,
        }),
      ),
    );
    expect(toFloat32(tensors.get("a.weight")!.read())).toEqual(wanted);
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
