import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readConfig } from "../src/checkpoint/config.ts";
import { Problem } from "../src/checkpoint/problem.ts";
import { interpreterEngine, planEngine } from "../src/cli/run/engine.ts";
import { openWeights } from "../src/cli/run/weights.ts";
import { TextOut } from "../src/cli/out.ts";
import { runProgram } from "../src/cli/program.ts";
import { compile } from "../src/compile.ts";
import { hostTensor } from "../src/tensor/host.ts";

/** The trained model that the repository ships, and what transformers computes from it (`examples/weights`). */
const folder = "examples/weights/whale";
const golden = JSON.parse(readFileSync(`${folder}/golden.json`, "utf8")) as {
  readonly logits: { readonly tokens: readonly number[]; readonly values: readonly (readonly number[])[] };
  readonly greedy: readonly { readonly prompt: string; readonly greedy_text: string }[];
};

const config = readConfig(readFileSync(`${folder}/config.json`), folder);
if (config instanceof Problem) throw new Error(config.message);
const source = { name: "examples/llama.lmg", text: readFileSync("examples/llama.lmg", "utf8") };
const { model, plan } = compile(source, { config });
const weights = openWeights(model!.graph, folder, {});

describe("the shipped model", () => {
  // Logits above 10 are given with 5 decimals: half a unit is 5e-6. PyTorch's own float32 run is 1.14e-5 away from float64.
  test.each([
    ["the interpreter", 6e-6, () => Promise.resolve(interpreterEngine(model!.graph, weights))],
    ["the plan", 3e-5, () => planEngine(plan!, weights)],
  ] as const)("has transformers' logits in %s", async (_, tolerance, makeEngine) => {
    const { tokens, values } = golden.logits;
    const engine = await makeEngine();
    const outputs = await engine.run(new Map([["tokens", hostTensor("i32", [1, tokens.length], tokens)]]));
    const logits = outputs.get("logits")!;
    const expected = values.flat();
    expect(logits.shape).toEqual([1, tokens.length, values[0]!.length]);
    expected.forEach((value, index) => {
      expect(Math.abs(logits.data[index]! - value)).toBeLessThan(tolerance);
    });
  });

  test.each(golden.greedy.map(({ prompt, greedy_text }) => [prompt, greedy_text]))(
    "goes on after %j as transformers does",
    async (prompt, text) => {
      const out = new TextOut();
      const args = ["run", source.name, "--weights", folder, "--prompt", prompt, "--generate", "64"];
      expect(await runProgram(args, out)).toBe(0);
      expect(out.text.trimEnd()).toBe((prompt + text).trimEnd());
    },
  );
});
