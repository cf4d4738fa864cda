import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { readJsonFile } from "../../src/checkpoint/files/json.ts";
import { openCheckpoint } from "../../src/checkpoint/files/open.ts";
import { orThrow } from "../../src/checkpoint/problem.ts";
import { toHostTensor } from "../../src/checkpoint/stored.ts";
import type { Engine } from "../../src/run/engine.ts";
import { compile, type CompileOptions } from "../../src/compile.ts";
import { showDiagnostic } from "../../src/support/diagnostic.ts";
import type { HostTensor } from "../../src/tensor/host.ts";
import { relativeDifference } from "./difference.ts";

/** Inputs of the examples by the golden files' names. */
const inputNames: Readonly<Record<string, string>> = {
  input_ids: "tokens",
  token_type_ids: "token_types",
  attention_mask: "attention_mask",
};
const outputNames: Readonly<Record<string, string>> = { words: "logits", next_sentence: "seq_logits" };

/**
 * Relative to the largest logit. The plan computes in float32 as PyTorch does, which itself differs from float64 by up to
 * 3e-6 on these files (`f32_maxdiff`); the interpreter computes in float64 from the same float32 weights, and the golden
 * values were rounded to float32 once.
 */
export const tolerances = { plan: 1e-5, interpreter: 1e-6 };

export function goldenTensors(folder: string): ReadonlyMap<string, HostTensor> {
  const tensors = new Map<string, HostTensor>();
  const { tensors: stored } = orThrow(openCheckpoint(`${folder}/golden.safetensors`));
  for (const [name, tensor] of stored) tensors.set(name, orThrow(toHostTensor(tensor.read(), name)));
  return tensors;
}

/** The example with the parameters of a checkpoint's config, compiled. */
export function compileFamily(example: string, configFile: string, options: CompileOptions = {}) {
  const source = { name: `examples/${example}.lmg`, text: readFileSync(`examples/${example}.lmg`, "utf8") };
  const config = orThrow(readJsonFile(configFile));
  // What else BERT's example gives is compared in test/cli/headless.test.ts.
  const outputs = example === "bert" ? { outputs: ["next_sentence", "words"] } : {};
  const { diagnostics, model, graph, plan } = compile(source, { ...options, ...outputs, config });
  expect(diagnostics.map((diagnostic) => showDiagnostic(diagnostic)).join("\n")).toBe("");
  return { model: model!, graph: graph!, plan: plan! };
}

export async function expectGolden(
  engine: Engine,
  golden: ReadonlyMap<string, HostTensor>,
  tolerance: number,
): Promise<void> {
  for (const name of ["case0", "case1"]) {
    const inputs = new Map<string, HostTensor>();
    const outputs = new Map<string, HostTensor>();
    for (const [full, tensor] of golden) {
      const [prefix, part] = full.split("/") as [string, string];
      if (prefix !== name) continue;
      const input = Object.entries(inputNames).find(([, file]) => file === part)?.[0];
      if (input !== undefined) inputs.set(input, tensor);
      else if (/logits$/.test(part)) outputs.set(part, tensor);
    }
    if (!inputs.has("token_type_ids")) inputs.set("tokens", inputs.get("input_ids")!).delete("input_ids");
    const mask = inputs.get("attention_mask");
    if (mask !== undefined) inputs.set("attention_mask", { ...mask, dtype: "bool" });
    const results = orThrow(await engine.run(inputs));
    expect(results.size).toBe(outputs.size);
    for (const [output, result] of results)
      expectClose(result, outputs.get(outputNames[output] ?? output)!, tolerance, mask);
  }
}

/** All elements within `tolerance` of the largest; rows of padding (mask 0) mean nothing and are left out. */
const expectClose = (
  actual: HostTensor,
  expected: HostTensor,
  tolerance: number,
  mask?: HostTensor,
): void => {
  expect(relativeDifference(actual, expected, mask)).toBeLessThan(tolerance);
};
