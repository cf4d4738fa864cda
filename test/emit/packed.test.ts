import { describe, expect, test } from "vitest";
import { writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { toHostTensor, toStored } from "../../src/checkpoint/stored.ts";
import { Problem } from "../../src/checkpoint/problem.ts";
import { packedGraph, planPacked } from "../../src/cli/compile/packed.ts";
import { quantizedCheckpoint } from "../../src/cli/quantize/checkpoint.ts";
import { compile } from "../../src/compile.ts";
import { targets, type TargetName } from "../../src/emit/targets.ts";
import { randomParameters } from "../../src/ir/initialize.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { publishedTensors } from "../../src/ir/stacks.ts";
import { packedWeights } from "../../src/run/packed-weights.ts";
import type { Weights } from "../../src/run/weights.ts";
import { hostTensor, type HostTensor } from "../../src/tensor/host.ts";
import { executionDevice } from "../webgpu/device.ts";
import { complaints } from "./complaints.ts";
import { importText as importTypeScript } from "./instantiate.ts";
import { importText as importWasm, type Tensor } from "./wasm/instantiate.ts";
import { importText as importWgsl } from "./wgsl/module.ts";

/** A tied table, linears that lie both ways, and one whose rows are no multiple of 32. */
const text = `model small(vocab = 70, dim = 64, hidden = 96) {
  input tokens: i32[B, T]
  wte: embedding(vocab, dim)
  residual { up: linear(hidden) -> relu -> mid: linear(40, layout: in_out) -> down: linear(dim) }
  unembed(wte)
  output logits: f32[B, T, vocab]
}`;
/** Experts that are published one by one, and some that are one tensor each, [E, K, N], with biases. */
const experts = `model small(vocab = 70, dim = 64) {
  input tokens: i32[B, T]
  wte: embedding(vocab, dim)
  residual { one: moe(4, 2, 32) }
  residual { all: moe(3, 2, 32, names: ["both", "down"], layout: in_out, bias: true) }
  unembed(wte)
  output logits: f32[B, T, vocab]
}`;
const tokens = hostTensor("i32", [1, 3], [3, 69, 0]);

/** The largest difference, relative to the largest element. */
const apart = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  const values = Array.from(a);
  const largest = Math.max(...values.map(Math.abs));
  return Math.max(...values.map((value, i) => Math.abs(value - b[i]!))) / largest;
};

function prepared(target: TargetName, quantize: "int8" | "int4", of = text) {
  const made = targets[target].target({});
  const { model, graph, plan } = compile({ name: "small.lmg", text: of }, { target: made });
  const loaded = { model: model!, graph: graph!, plan: plan!, remarks: [] };
  const packed = packedGraph(loaded, { quantize }, made);
  const parameters = randomParameters(model!.graph, 3);
  const weights: Weights = {
    from: "drawn",
    close: () => undefined,
    tensors: new Map(
      Object.entries(parameters).map(([name, tensor]) => {
        const { dtype, shape } = tensor;
        return [name, { dtype, shape, read: () => toStored(tensor) }] as const;
      }),
    ),
  };
  const program = planPacked(loaded, packed, made);
  return { packed, parameters, weights, program, graph: model!.graph };
}

/** What the interpreter computes of the codes that the command line makes. */
function expected({ packed, weights }: ReturnType<typeof prepared>): ArrayLike<number> {
  const parameters = new Map<string, HostTensor>();
  for (const [name, tensor] of packedWeights(weights, packed.packing).tensors) {
    const found = toHostTensor(tensor.read(), name);
    if (found instanceof Problem) throw new Error(found.message);
    parameters.set(name, found);
  }
  return interpret(packed.graph, { inputs: { tokens }, parameters })["logits"]!.data;
}

type Source = Uint8Array | Readonly<Record<string, Tensor>>;

const device = await executionDevice();

/** Runs a module on weights: from a file, or as arrays. */
const run: Readonly<Record<TargetName, (module: string, source: Source) => Promise<ArrayLike<number>>>> = {
  ts: async (module, source) => {
    const { createModel, loadSafetensors } = await importTypeScript(module);
    const model = source instanceof Uint8Array ? loadSafetensors(source) : createModel(source);
    return model.run({ tokens })["logits"]!.data;
  },
  wasm: async (module, source) => {
    const { createModel, loadSafetensors } = await importWasm(module);
    const options = { threads: 1 };
    const loading =
      source instanceof Uint8Array ? loadSafetensors(source, options) : createModel(source, options);
    const model = await loading;
    const { logits } = await model.run({ tokens });
    model.close();
    return logits!.data;
  },
  wgsl: async (module, source) => {
    const { createModel, loadSafetensors } = await importWgsl(module);
    const model = await (source instanceof Uint8Array
      ? loadSafetensors(device!, source)
      : createModel(device!, source));
    const { logits } = await model.run({ tokens });
    model.destroy();
    return logits!.data;
  },
};

describe.each(["ts", "wasm", "wgsl"] as const)("a module of the target %s that keeps codes", (target) => {
  describe.each(["int8", "int4"] as const)("of %s", (form) => {
    const made = prepared(target, form);
    const write = async (types: boolean): Promise<string> =>
      (await targets[target].load())(made.program, { types })[0]!.text;

    test("takes the parameters of the model, and passes tsc --strict", async () => {
      const written = await write(true);
      expect(written).toContain('{ name: "wte.weight", shape: [70, 64], dtype: "f32" },');
      expect(written).not.toMatch(/name: "\w+\.weight_(packed|scale)"/);
      expect(complaints(written)).toEqual([]);
    });

    test.skipIf(target === "wgsl" && device === undefined)(
      "computes what the interpreter does, of floats and of a file of lmg quantize",
      async () => {
        const module = await write(false);
        const wanted = expected(made);
        const found = await run[target](module, made.parameters);
        expect(apart(wanted, found)).toBeLessThan(1e-5);
        const floats = new Map(Object.entries(made.parameters).map(([name, each]) => [name, toStored(each)]));
        expect(await run[target](module, writeSafetensors(floats))).toEqual(found);
        const { stored } = quantizedCheckpoint(made.graph, made.weights, form);
        expect([...stored.keys()]).toContain(form === "int8" ? "up.weight_scale" : "up.weight_packed");
        expect(await run[target](module, writeSafetensors(stored))).toEqual(found);
      },
    );

    const routed = prepared(target, form, experts);

    test("keeps codes of experts, and passes tsc --strict", async () => {
      const written = (await targets[target].load())(routed.program, { types: true })[0]!.text;
      expect(written).toContain('{ name: "one.experts.*.w1.weight", shape: [4, 32, 64], dtype: "f32" },');
      expect(routed.packed.graph.nodes.filter(({ op }) => op === "packed_routed_linear")).toHaveLength(5);
      expect(routed.packed.graph.nodes.some(({ op }) => op === "routed_linear")).toBe(false);
      expect(complaints(written)).toEqual([]);
    });

    test.skipIf(target === "wgsl" && device === undefined)(
      "computes the same of experts whole and one by one, of floats and of a file of lmg quantize",
      async () => {
        const module = (await targets[target].load())(routed.program, { types: false })[0]!.text;
        const found = await run[target](module, routed.parameters);
        expect(apart(expected(routed), found)).toBeLessThan(1e-5);
        const parts = Object.entries(routed.parameters).flatMap(([name, { shape, data }]) =>
          publishedTensors(name, { shape, data: Float32Array.from(data) }),
        );
        expect(parts.map(([name]) => name)).toContain("one.experts.3.w2.weight");
        const stored = parts.map(([name, { shape, data }]) => {
          const bytes = new Uint8Array(data.slice().buffer);
          return [`model.${name}`, { dtype: "f32" as const, shape, bytes }] as const;
        });
        expect(await run[target](module, writeSafetensors(new Map(stored)))).toEqual(found);
        const { stored: codes } = quantizedCheckpoint(routed.graph, routed.weights, form);
        expect([...codes.keys()]).toContain(
          form === "int8" ? "one.experts.3.w2.weight_scale" : "one.experts.3.w2.weight_packed",
        );
        expect(await run[target](module, writeSafetensors(codes))).toEqual(found);
        const incomplete = new Map(stored.filter(([name]) => name !== "model.one.experts.1.w1.weight"));
        const running = (async () => run[target](module, writeSafetensors(incomplete)))();
        await expect(running).rejects.toThrow("missing: model.one.experts.1.w1.weight, a part of");
      },
    );

    test("refuses whole numbers without scales", async () => {
      const { stored } = quantizedCheckpoint(made.graph, made.weights, "int8");
      const bare = new Map([...stored].filter(([name]) => !name.endsWith("up.weight_scale")));
      const module = await write(false);
      if (target === "wgsl") return;
      const running = run[target](module, writeSafetensors(bare));
      await expect(running).rejects.toThrow("whole numbers: up.weight takes floats");
    });
  });
});
