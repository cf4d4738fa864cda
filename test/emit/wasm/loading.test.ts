import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { writeSafetensors } from "../../../src/checkpoint/safetensors.ts";
import { toStored } from "../../../src/checkpoint/stored.ts";
import { compile } from "../../../src/compile.ts";
import { wasmTarget } from "../../../src/emit/wasm/target.ts";
import { runPasses } from "../../../src/passes/pipeline.ts";
import { planGraph } from "../../../src/plan/build.ts";
import { packingOf } from "../../../src/quantize/packing.ts";
import { roundTo } from "../../../src/tensor/dtype.ts";
import { hostTensor, type HostTensor } from "../../../src/tensor/host.ts";
import { randomParameters } from "../../../src/ir/initialize.ts";
import type { WeightFile } from "../../../src/weights/bytes.ts";
import type { StreamedTensor } from "../../../src/weights/stream.ts";
import { runEmitted } from "../instantiate.ts";
import { instantiate, type Model, type Tensor } from "./instantiate.ts";

const folder = mkdtempSync(join(tmpdir(), "lmg-loading-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Weights that are larger than a piece, [N, K] and [K, N], with rows that fill the last panel and rows that do not. */
const text = `model large {
  input x: f32[B, 1100]
  a: linear(1003)
  b: linear(1096, layout: in_out)
  c: linear(1107, layout: in_out)
  d: linear(2)
  output y: f32[B, 2]
}`;
const compiled = compile({ name: "large.lmg", text }, { target: wasmTarget });
const module = await instantiate(compiled.plan!);
const parameters = randomParameters(compiled.model!.graph, 5);
const file = writeSafetensors(
  new Map(Object.entries(parameters).map(([name, tensor]) => [name, toStored(tensor)])),
);
const path = join(folder, "large.safetensors");
writeFileSync(path, file);

const inputs = { x: { data: Float32Array.from({ length: 2200 }, (_, i) => Math.sin(i)), shape: [2, 1100] } };

async function outputOf(loading: Promise<Model>): Promise<Tensor> {
  const model = await loading;
  try {
    return (await model.run(inputs))["y"]!;
  } finally {
    model.close();
  }
}

describe("weights that are read a piece at a time", () => {
  test("give what the same kernels give in TypeScript, from arrays and from any file", async () => {
    const { y } = await runEmitted(compiled.graph!, {
      inputs: { x: hostTensor("f32", [2, 1100], inputs.x.data) },
      parameters,
    });
    const whole = await outputOf(module.createModel(parameters, { threads: 1 }));
    Array.from(whole.data).forEach((value, i) => expect(Math.abs(value - y!.data[i]!)).toBeLessThan(1e-5));
    const sources: readonly (WeightFile | readonly WeightFile[])[] = [
      file,
      path,
      new Blob([file.slice()]),
      [path],
    ];
    for (const source of sources)
      for (const threads of [1, 2])
        expect((await outputOf(module.loadSafetensors(source, { threads }))).data).toEqual(whole.data);
  });

  test.each(["bf16", "f16"] as const)("that are kept as %s are those numbers, rounded", async (half) => {
    const { graph } = compiled.model!;
    const { packing } = packingOf(graph, { scheme: half });
    const passed = runPasses(graph, { packing, target: wasmTarget });
    const kept = await instantiate(planGraph(passed, { target: wasmTarget }));
    const tensors = Object.entries(parameters).map(([name, { shape, data }]): [string, HostTensor] => {
      const rounded = packing.halves.has(name)
        ? data.map((value) => roundTo(half, Math.fround(value)))
        : data;
      return [name, hostTensor("f32", shape, rounded)];
    });
    const { y } = await runEmitted(compiled.graph!, {
      inputs: { x: hostTensor("f32", [2, 1100], inputs.x.data) },
      parameters: Object.fromEntries(tensors),
    });
    expect(packing.halves.size).toBe(4);
    const found = await outputOf(kept.createModel(parameters, { threads: 1 }));
    Array.from(found.data).forEach((value, i) => expect(Math.abs(value - y!.data[i]!)).toBeLessThan(1e-5));
  });

  test("the emitted module loops over pieces", async () => {
    const { emitWasm } = await import("../../../src/emit/wasm/emit.ts");
    const written = emitWasm(compiled.plan!).files[0]!.text;
    expect(written.match(/await load\("[abc]\.weight", \w+, \d+/g)!.length).toBeGreaterThan(4);
    expect(written).toContain('await load("d.weight"');
  });

  test("are never asked for more than a piece, and memory is asked for once", async () => {
    const reads: number[] = [];
    const streamed = new Map(
      Object.entries(parameters).map(([name, { shape, data }]): [string, StreamedTensor] => [
        name,
        {
          shape,
          dtype: "f32",
          read: (first, end) => {
            reads.push(end - first);
            return Float32Array.from(data.subarray(first, end));
          },
        },
      ]),
    );
    // eslint-disable-next-line @typescript-eslint/unbound-method -- it is put back, and called on its memory
    const { grow } = WebAssembly.Memory.prototype;
    let grown = 0;
    WebAssembly.Memory.prototype.grow = function (this: WebAssembly.Memory, more: number): number {
      grown++;
      return grow.call(this, more);
    };
    try {
      const model = await module.createModel(streamed, { threads: 1 });
      expect(grown).toBe(1);
      model.close();
    } finally {
      WebAssembly.Memory.prototype.grow = grow;
    }
    expect(Math.max(...reads)).toBeLessThanOrEqual(2 ** 20);
  });

  test("those of far files are asked for ahead, a few at a time, and end up the same", async () => {
    let underway = 0;
    let most = 0;
    const far = new Map(
      Object.entries(parameters).map(([name, { shape, data }]): [string, StreamedTensor] => [
        name,
        {
          shape,
          dtype: "f32",
          isFar: true,
          read: async (first, end) => {
            most = Math.max(most, ++underway);
            await new Promise((go) => setTimeout(go, 1));
            underway--;
            return Float32Array.from(data.subarray(first, end));
          },
        },
      ]),
    );
    const found = await outputOf(module.createModel(far, { threads: 1 }));
    expect(found.data).toEqual((await outputOf(module.createModel(parameters, { threads: 1 }))).data);
    expect(most).toBe(4);
  });

  test("what a read throws ends the loading", async () => {
    const broken = new Map<string, Tensor | StreamedTensor>(Object.entries(parameters));
    const read = (): Promise<never> => Promise.reject(new Error("the line is dead"));
    broken.set("d.bias", { shape: [2], dtype: "f32", isFar: true, read });
    await expect(module.createModel(broken, { threads: 1 })).rejects.toThrow("the line is dead");
  });
});

describe("while weights are loaded", () => {
  test("progress is told after each part, up to all bytes, and a prefix is taken off", async () => {
    const told: { readonly loaded: number; readonly total: number }[] = [];
    const prefixed = Object.fromEntries(
      Object.entries(parameters).map(([name, tensor]) => [`model.${name}`, tensor]),
    );
    const onProgress = (progress: (typeof told)[number]): unknown => told.push(progress);
    const model = await module.createModel(prefixed, { threads: 1, prefix: "model.", onProgress });
    model.close();
    const loaded = told.map((each) => each.loaded);
    expect(new Set(told.map(({ total }) => total)).size).toBe(1);
    expect(loaded.at(-1)).toBe(told[0]!.total);
    expect(loaded).toEqual([...new Set(loaded)].toSorted((a, b) => a - b));
  });

  test("a signal ends it with its reason, wherever the weights come from", async () => {
    for (const source of [file, path]) {
      const abort = new AbortController();
      const onProgress = (): void => abort.abort(new Error("enough"));
      const options = { threads: 1, signal: abort.signal, onProgress };
      await expect(module.loadSafetensors(source, options)).rejects.toThrow("enough");
    }
  });

  test("a second copy of a table is passed over wherever it comes from, and another matrix is not", async () => {
    const streamedCopy = (change: number): StreamedTensor => ({
      shape: parameters["a.weight"]!.shape,
      dtype: "f32",
      read: (first, end) => {
        const part = Float32Array.from(parameters["a.weight"]!.data.subarray(first, end));
        if (end === 1003 * 1100) part[part.length - 1]! += change;
        return part;
      },
    });
    const given = (change: number) =>
      new Map<string, Tensor | StreamedTensor>([
        ...Object.entries(parameters),
        ["lm_head.weight", streamedCopy(change)],
      ]);
    (await module.createModel(given(0), { threads: 1 })).close();
    await expect(module.createModel(given(1), { threads: 1 })).rejects.toThrow("surplus: lm_head.weight");
  });

  test.each([
    ["b.qweight", "codes of GPTQ or AWQ"],
    ["b.g_idx", "codes of GPTQ or AWQ"],
    ["mlp.experts.down_proj_blocks", "codes of MXFP4"],
    ["base_model.model.b.lora_A.weight", "a LoRA"],
    ["model.vision_tower.patch.weight", "a model that sees or hears"],
    ["model.embed_vision.weight", "a model that sees or hears"],
    ["model.encoder.embed_positions.weight", "a table of positions that the model computes"],
  ])("%s says what else was done to a checkpoint, and what to do", async (name, what) => {
    const given = new Map(Object.entries<Tensor>({ ...parameters, [name]: { data: [1], shape: [1] } }));
    const loading = (ignore: readonly RegExp[]) => module.createModel(given, { threads: 1, ignore });
    await expect(loading([])).rejects.toThrow(`${name} is of ${what}`);
    (await loading([/./])).close();
  });
});
