import { expect, test } from "vitest";
import type { CheckpointTensor } from "../../../src/checkpoint/match.ts";
import { Problem } from "../../../src/checkpoint/problem.ts";
import { joinPublished } from "../../../src/checkpoint/quantized/published.ts";
import { toStored, type StoredTensor } from "../../../src/checkpoint/stored.ts";
import type { Dtype } from "../../../src/tensor/dtype.ts";
import { hostTensor, sizeOf } from "../../../src/tensor/host.ts";

/** A tensor of ones. */
const ones = (dtype: Dtype, ...shape: readonly number[]): StoredTensor =>
  toStored(hostTensor(dtype, shape, new Float32Array(sizeOf(shape)).fill(1)));

const shapeOf = (...sizes: readonly number[]): StoredTensor => toStored(hostTensor("i32", [2], sizes));

const asCheckpoint = (tensors: Readonly<Record<string, StoredTensor>>): Map<string, CheckpointTensor> =>
  new Map(Object.entries(tensors).map(([name, stored]) => [name, { ...stored, read: () => stored }]));

/** What lies otherwise than its library writes it: its tensors, and what is said of them. */
const refused: readonly (readonly [string, Readonly<Record<string, StoredTensor>>, string, string])[] = [
  [
    "ternary weights, four in a byte (BitNet)",
    { "a.weight": ones("u8", 2, 16), "a.weight_scale": ones("f32", 1) },
    "file: `a.weight`, u8[2, 16] with one scale, is ternary, four numbers in a byte (BitNet): lmg does not read this",
    "convert the checkpoint to f32, f16 or bf16, each weight times its scale",
  ],
  [
    "words of GPTQ or AWQ without their scales",
    { "a.qweight": ones("i32", 8, 8), "a.qzeros": ones("i32", 2, 1) },
    "file: `a.qweight` needs qzeros and scales beside it, as GPTQ and AWQ have them",
    "was the checkpoint written whole?",
  ],
  [
    "codes of 3 bits of GPTQ",
    { "a.qweight": ones("i32", 6, 32), "a.qzeros": ones("i32", 2, 3), "a.scales": ones("f32", 2, 32) },
    "file: `a.qweight`: words [6, 32] with scales [2, 32] are no 4-bit codes of GPTQ or AWQ",
    "convert the checkpoint to f32, f16 or bf16",
  ],
  [
    "codes of 8 bits of GPTQ",
    { "a.qweight": ones("i32", 16, 32), "a.qzeros": ones("i32", 2, 8), "a.scales": ones("f32", 2, 32) },
    "file: `a.qweight`: words [16, 32] with scales [2, 32] are no 4-bit codes of GPTQ or AWQ",
    "convert the checkpoint to f32, f16 or bf16",
  ],
  [
    "packed codes without the shape that they have",
    { "a.weight_packed": ones("i32", 8, 8), "a.weight_scale": ones("f32", 8, 1) },
    "file: `a.weight_packed`: packed codes need words of 32 bits and weight_shape beside them",
    "was the checkpoint written whole?",
  ],
  [
    "packed codes of 2 bits",
    {
      "a.weight_packed": ones("i32", 8, 4),
      "a.weight_scale": ones("f32", 8, 1),
      "a.weight_shape": shapeOf(8, 64),
    },
    "file: `a.weight_packed`: words [8, 4] are no codes of 4 or 8 bits of [8, 64]",
    "convert the checkpoint to f32, f16 or bf16",
  ],
  [
    "scales that are neither one a row nor one a group",
    { "a.weight": ones("i8", 8, 64), "a.weight_scale": ones("f32", 8, 3) },
    "file: `a.weight`, [8, 64], has scales [8, 3], which are neither one a row nor one a group",
    "was the checkpoint written whole?",
  ],
  [
    "groups that no form of lmg has",
    { "a.weight": ones("i8", 8, 64), "a.weight_scale": ones("f32", 8, 8) },
    "file: `a.weight`, [8, 64], has groups of 8 columns; lmg reads groups of 16 or of whole 32s",
    "convert the checkpoint to f32, f16 or bf16",
  ],
  [
    "NVFP4",
    { "a.weight_scale_2": ones("f32", 1) },
    "file: `a.weight_scale_2` belongs to weights quantized in a way that lmg does not read: NVFP4",
    "convert the checkpoint to f32, f16 or bf16, and let `lmg quantize` or `--quantize` make codes of it",
  ],
];

test.each(refused)("%s: refused by the tensor, with a way forward", (_, tensors, message, help) => {
  const problem = joinPublished(asCheckpoint(tensors), "file");
  expect(problem).toBeInstanceOf(Problem);
  expect(problem).toMatchObject({ code: "E725", message, help });
});

test("bytes that are no weight with one scale are left to the model", () => {
  const bytes = { "a.weight": ones("u8", 2, 16) };
  expect(joinPublished(asCheckpoint(bytes), "file")).toBeInstanceOf(Map);
  const scales = { ...bytes, "a.weight_scale": ones("f32", 2, 1) };
  expect(joinPublished(asCheckpoint(scales), "file")).toBeInstanceOf(Map);
});
