import { expect, test } from "vitest";
import { writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { toStored } from "../../src/checkpoint/stored.ts";
import { compile } from "../../src/compile.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { cpuTargets, instantiate, type Model } from "./cpu.ts";

test.each(cpuTargets)(
  "a module in $name refuses whole numbers for a weight, from a file and as arrays",
  async (cpu) => {
    const text = "model m { input x: f32[B, 2]; f: linear(1, bias: false); output y: f32[B, 1] }";
    const { createModel, loadSafetensors } = await instantiate(
      cpu,
      compile({ name: "m.lmg", text }, { target: cpu.target }).plan!,
    );
    const file = (dtype: "f32" | "i32") =>
      writeSafetensors(new Map([["f.weight", toStored(hostTensor(dtype, [1, 2], [3, 4]))]]));
    const run = async (loading: Promise<Model>) =>
      (await (await loading).run({ x: { data: [1, 2], shape: [1, 2] } }))["y"]!.data[0];
    expect(await run(loadSafetensors(file("f32")))).toBe(11);
    const wanted =
      "whole numbers: f.weight takes floats; quantized weights must be multiplied by their scales before";
    await expect(loadSafetensors(file("i32"))).rejects.toThrow(wanted);
    for (const data of [Int8Array.of(3, 4), Uint8Array.of(3, 4), Int32Array.of(3, 4)])
      await expect(createModel({ "f.weight": { data, shape: [1, 2] } })).rejects.toThrow(wanted);
    expect(await run(createModel({ "f.weight": { data: [3, 4], shape: [1, 2] } }))).toBe(11);
  },
);
