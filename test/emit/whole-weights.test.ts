import { expect, test } from "vitest";
import { writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { toStored } from "../../src/checkpoint/stored.ts";
import { compile } from "../../src/compile.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { instantiate } from "./instantiate.ts";

test("an emitted module refuses whole numbers for a weight, from a file and as arrays", async () => {
  const text = "model m { input x: f32[B, 2]; f: linear(1, bias: false); output y: f32[B, 1] }";
  const { createModel, loadSafetensors } = await instantiate(compile({ name: "m.lmg", text }).plan!);
  const file = (dtype: "f32" | "i32") =>
    writeSafetensors(new Map([["f.weight", toStored(hostTensor(dtype, [1, 2], [3, 4]))]]));
  const run = ({ run: of }: ReturnType<typeof createModel>) =>
    of({ x: { data: [1, 2], shape: [1, 2] } })["y"]!.data[0];
  expect(run(loadSafetensors(file("f32")))).toBe(11);
  const wanted =
    "whole numbers: f.weight takes floats; quantized weights must be multiplied by their scales before";
  expect(() => loadSafetensors(file("i32"))).toThrow(wanted);
  for (const data of [Int8Array.of(3, 4), Uint8Array.of(3, 4), Int32Array.of(3, 4)])
    expect(() => createModel({ "f.weight": { data, shape: [1, 2] } })).toThrow(wanted);
  expect(run(createModel({ "f.weight": { data: [3, 4], shape: [1, 2] } }))).toBe(11);
});
