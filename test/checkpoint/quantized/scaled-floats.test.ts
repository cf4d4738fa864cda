import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { CheckpointTensor } from "../../../src/checkpoint/match.ts";
import { matchParameters } from "../../../src/checkpoint/match.ts";
import { Problem } from "../../../src/checkpoint/problem.ts";
import { joinPublished } from "../../../src/checkpoint/quantized/published.ts";
import { readSafetensors } from "../../../src/checkpoint/safetensors.ts";
import { toFloat32, type StoredTensor } from "../../../src/checkpoint/stored.ts";
import { safetensorsCheckpoint } from "../../../src/run/weights.ts";
import { dequantized } from "../../../src/tensor/quantized.ts";
import { graphOf } from "../../plan/graphs.ts";

const bytes = readFileSync(new URL("../../golden/scaled_floats.safetensors", import.meta.url));
const checkpoint = safetensorsCheckpoint(bytes, "golden");
if (checkpoint instanceof Problem) throw new Error(checkpoint.message);

/** The tensors of a case, without its name in front. */
const tensorsOf = (name: string): Map<string, CheckpointTensor> =>
  new Map(
    [...checkpoint.tensors].flatMap(([tensor, value]) =>
      tensor.startsWith(`${name}.`) ? [[tensor.slice(name.length + 1), value] as const] : [],
    ),
  );

function joined(tensors: ReadonlyMap<string, CheckpointTensor>): ReadonlyMap<string, CheckpointTensor> {
  const found = joinPublished(tensors, "file");
  if (found instanceof Problem) throw new Error(found.message);
  return found;
}

const expectedOf = (name: string): Float32Array => toFloat32(tensorsOf(name).get("expected")!.read());

describe("numbers of 8 bits times their scales are what torch and transformers make of them", () => {
  test.each(["fp8_blocks", "fp8_ragged", "mxfp8", "fp8_tensor", "fp8_rows", "fp8_rows_bf16"])(
    "%s",
    (name) => {
      const tensors = joined(tensorsOf(name));
      expect([...tensors.keys()].sort()).toEqual(["expected", "layer.weight"]);
      const weight = tensors.get("layer.weight")!;
      expect(weight.shape).toEqual(tensors.get("expected")!.shape);
      expect(toFloat32(weight.read())).toEqual(expectedOf(name));
    },
  );

  test("any part of them too", () => {
    const weight = joined(tensorsOf("fp8_ragged")).get("layer.weight")!;
    expect(toFloat32(weight.readPart!(1000, 1301))).toEqual(expectedOf("fp8_ragged").subarray(1000, 1301));
  });
});

describe("MXFP4 is what transformers makes of it", () => {
  test("of the experts of gpt-oss, whole and a part across two of them", () => {
    const tensors = joined(tensorsOf("mxfp4"));
    expect([...tensors.keys()].sort()).toEqual(["expected", "experts.up"]);
    const experts = tensors.get("experts.up")!;
    expect(experts.shape).toEqual([3, 128, 10]);
    expect(toFloat32(experts.read())).toEqual(expectedOf("mxfp4"));
    expect(toFloat32(experts.readPart!(1270, 1300))).toEqual(expectedOf("mxfp4").subarray(1270, 1300));
  });

  test("of the experts of gpt-oss, as codes of [E, N, K] that a model keeps, rows across two of them", () => {
    const { quantized } = joined(tensorsOf("mxfp4")).get("experts.up")!;
    expect(quantized!.form).toEqual({ bits: 8, block: 32, hasMinimums: false, isNarrow: true });
    expect(quantized!.isTransposed).toBe(true);
    const expected = expectedOf("mxfp4");
    const upright = Float32Array.from({ length: 3 * 1280 }, (_, at) => {
      const [expert, row, column] = [Math.floor(at / 1280), Math.floor(at / 128) % 10, at % 128];
      return expected[expert * 1280 + column * 10 + row]!;
    });
    expect(dequantized(quantized!.read()).map((x) => x + 0)).toEqual(upright.map((x) => x + 0));
    const rows = dequantized(quantized!.readRows!(8, 22)).map((x) => x + 0);
    expect(rows).toEqual(upright.subarray(8 * 128, 22 * 128).map((x) => x + 0));
  });

  test("of a linear, as codes that a model keeps", () => {
    // The first expert as compressed-tensors has a linear [10, 128]; the golden values lie transposed.
    const given = tensorsOf("mxfp4");
    const first = (name: string, count: number, shape: readonly number[]): CheckpointTensor => {
      const stored: StoredTensor = {
        dtype: "u8",
        shape,
        bytes: given.get(name)!.read().bytes.slice(0, count),
      };
      return { dtype: "u8", shape, read: () => stored };
    };
    const weight = joined(
      new Map([
        ["layer.weight_packed", first("experts.up_blocks", 640, [10, 64])],
        ["layer.weight_scale", first("experts.up_scales", 40, [10, 4])],
      ]),
    ).get("layer.weight")!;
    expect(weight.quantized!.form).toEqual({ bits: 8, block: 32, hasMinimums: false, isNarrow: true });
    const expected = expectedOf("mxfp4");
    const upright = Float32Array.from(
      { length: 1280 },
      (_, at) => expected[(at % 128) * 10 + Math.floor(at / 128)]!,
    );
    // +0 where MXFP4 has -0: codes are whole numbers.
    expect(dequantized(weight.quantized!.read()).map((x) => x + 0)).toEqual(upright.map((x) => x + 0));
    const rows = weight.quantized!.readRows!(3, 5);
    expect(dequantized(rows).map((x) => x + 0)).toEqual(upright.subarray(3 * 128, 5 * 128).map((x) => x + 0));
  });
});

test("MXFP4 of a linear is what compressed-tensors, which wrote it, reads back", () => {
  const file = readFileSync(new URL("../../golden/packed_fp4.safetensors", import.meta.url));
  const written = safetensorsCheckpoint(file, "golden");
  if (written instanceof Problem) throw new Error(written.message);
  const tensors = joined(written.tensors);
  expect([...tensors.keys()].sort()).toEqual(["expected", "layer.weight"]);
  const weight = tensors.get("layer.weight")!;
  const expected = toFloat32(tensors.get("expected")!.read());
  expect(weight.shape).toEqual([6, 96]);
  expect(dequantized(weight.quantized!.read()).map((x) => x + 0)).toEqual(expected.map((x) => x + 0));
});

describe("without scales that are read they are no numbers", () => {
  const graph = graphOf(`parameter %w: f32[24, 64] = constant(1) "layer.weight"\n output w = %w`);
  const problemsOf = (tensors: ReadonlyMap<string, CheckpointTensor>): string => {
    const found = joinPublished(tensors, "file");
    if (found instanceof Problem) return found.message;
    const match = matchParameters(graph.parameters, found, "file");
    return "tensors" in match ? "" : match.map(({ message }) => message).join("; ");
  };
  const with_ = (...changes: readonly (readonly [string, CheckpointTensor | undefined])[]) => {
    const tensors = tensorsOf("fp8_rows");
    tensors.delete("expected");
    for (const [name, tensor] of changes) {
      if (tensor === undefined) tensors.delete(name);
      else tensors.set(name, tensor);
    }
    return tensors;
  };
  const of = (dtype: StoredTensor["dtype"], ...shape: number[]): CheckpointTensor => ({
    dtype,
    shape,
    read: () => ({ dtype, shape, bytes: new Uint8Array(4096) }),
  });

  test("E4M3 alone is refused by its name", () => {
    expect(problemsOf(with_())).toBe("");
    expect(problemsOf(with_(["layer.weight_scale", undefined]))).toContain(
      "`layer.weight` is F8_E4M3[24, 64]",
    );
  });

  test("and so is what no library writes, or stands for more", () => {
    expect(problemsOf(with_(["layer.weight_scale", of("f32", 5, 7)]))).toContain("has scales [5, 7]");
    expect(problemsOf(with_(["layer.weight_scale", of("i32", 24, 1)]))).toContain("F8_E4M3");
    expect(problemsOf(with_(["layer.input_scale", of("f32", 1)]))).toContain(
      "activations with stored scales",
    );
    expect(problemsOf(with_(["layer.weight_global_scale", of("f32", 1)]))).toContain("NVFP4");
    expect(
      problemsOf(with_(["layer.weight", of("i8", 24, 64)], ["layer.weight_scale", of("u8", 24, 2)])),
    ).toContain("has scales [24, 2]");
    expect(problemsOf(new Map([["up_blocks", of("u8", 2, 10, 4, 16)]]))).toContain("has no scales");
    expect(
      problemsOf(
        new Map([
          ["a.weight_packed", of("u8", 4, 32)],
          ["a.weight_scale", of("f32", 4, 2)],
        ]),
      ),
    ).toContain("MXFP4 has one for each 32 numbers");
  });

  test("a reader that knows of no scales does not take them", () => {
    const found = readSafetensors(bytes, "golden");
    expect(found instanceof Problem ? found.message : "").toContain("has the dtype `F8_E4M3`");
  });
});
