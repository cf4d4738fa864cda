import { describe, expect, test } from "vitest";
import { orThrow } from "../../src/checkpoint/problem.ts";
import { Refusal } from "../../src/incremental/refusal.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { planGraph } from "../../src/plan/build.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import { textSource, type GenerationOptions } from "../../src/run/generation.ts";
import { runModel, type RunnableModel } from "../../src/run/model.ts";
import { TextDecoder, textDecoder } from "../../src/run/text-decoder.ts";
import { openEngine } from "../../src/run/engines.ts";
import { randomWeights } from "../../src/run/weights.ts";
import { cpuTargets, type CpuTarget } from "../emit/cpu.ts";
import { generateTokens } from "../../src/session/generate.ts";
import { exampleGraph, graphOf } from "../incremental/models.ts";
import { executionAdapter } from "../webgpu/device.ts";

/** Rounding of f32 through a few layers, of logits near 1. */
const TOLERANCE = 1e-5;

const llama = exampleGraph("llama", { vocab: 23, dim: 16, hidden: 24, depth: 2, heads: 4, kv_heads: 2 });

const runsOn = ({ engine }: CpuTarget) => ({ target: engine, threads: 1 });

async function modelOf(
  graph: Graph,
  cpu: CpuTarget,
): Promise<RunnableModel & { readonly decoder: TextDecoder }> {
  const weights = randomWeights(graph, 1);
  const engine = orThrow(
    await openEngine(cpu.engine, planGraph(runPasses(graph), { target: cpu.target }), weights, {
      threads: 1,
    }),
  );
  const decoder = textDecoder(graph, weights, graph.outputs[0]!.name, runsOn(cpu));
  if (!(decoder instanceof TextDecoder)) throw new Error(decoder.message);
  return { graph, engine, decoder };
}

async function textOf(
  model: RunnableModel,
  { slide = false, ...options }: GenerationOptions,
): Promise<{ readonly tokens: readonly number[]; readonly stopped: string }> {
  const prompt = [3, 1, 4, 1, 5];
  const running = generateTokens(orThrow(textSource(model, prompt, { slide })), prompt, options);
  const tokens: number[] = [];
  for (;;) {
    const next = await running.next();
    if (next.done === true) return { tokens, stopped: next.value };
    tokens.push(next.value);
  }
}

describe.each(cpuTargets)("in $name", (cpu) => {
  test.each([{ maxTokens: 30 }, { maxTokens: 30, temperature: 0.8, topK: 5, seed: 3 }])(
    "a text goes on as it would if each token ran all of it: %o",
    async (options) => {
      const model = await modelOf(llama, cpu);
      expect(await textOf(model, options)).toEqual(await textOf({ ...model, decoder: undefined }, options));
    },
  );

  test("beyond the context half of it is read again, or the text ends", async () => {
    const model = await modelOf(
      exampleGraph("gpt2", { vocab: 23, dim: 16, depth: 1, heads: 4, ctx: 12 }),
      cpu,
    );
    for (const options of [{ maxTokens: 12 }, { maxTokens: 12, slide: true }])
      expect(await textOf(model, options)).toEqual(await textOf({ ...model, decoder: undefined }, options));
  });

  test("another text keeps what both begin with, and memory grows with a text", async () => {
    const { decoder, ...model } = await modelOf(llama, cpu);
    const long = Array.from({ length: 300 }, (_, at) => (at * 7) % 23);
    for (const tokens of [[1, 2, 3, 4], [1, 2, 9], [1, 2, 9, 8, 7], [1], long]) {
      const found = await decoder.logitsAfter(tokens, undefined);
      const whole = orThrow(await runModel(model, [tokens])).get("logits")!;
      const row = whole.data.slice(-23);
      expect(Math.max(...Array.from(row, (logit, at) => Math.abs(logit - found[at]!)))).toBeLessThan(
        TOLERANCE,
      );
    }
  });
});

const adapter = await executionAdapter();

test.skipIf(adapter === undefined)("on WebGPU a text goes on as it does in WebAssembly", async () => {
  const model = await modelOf(llama, cpuTargets[0]!);
  const decoder = textDecoder(llama, randomWeights(llama, 1), "logits", {
    target: "wgsl",
    adapter: adapter!,
  });
  if (!(decoder instanceof TextDecoder)) throw new Error(decoder.message);
  expect(await textOf({ ...model, decoder }, { maxTokens: 20 })).toEqual(
    await textOf(model, { maxTokens: 20 }),
  );
  decoder.close();
});

test("a model that sees later tokens has none, nor one that reads more than tokens", () => {
  const of = (graph: Graph) =>
    textDecoder(graph, randomWeights(graph, 1), graph.outputs[0]!.name, runsOn(cpuTargets[0]!));
  const encoder = graphOf(
    "model m { input tokens: i32[B, T]\n e: embedding(23, 8)\n attn: attention(2, causal: false)\n output y: f32[B, T, 8] }",
  );
  expect(of(encoder)).toBeInstanceOf(Refusal);
  const two = graphOf(
    "model m { input tokens: i32[B, T]\n input style: f32[B, 1, 8]\n e: embedding(23, 8)\n stream + style\n output y: f32[B, T, 8] }",
  );
  expect(of(two)).toMatchObject({ message: "the model reads `style` beside its tokens" });
});
