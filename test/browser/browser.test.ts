import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { orThrow } from "../../src/checkpoint/problem.ts";
import { interpreterEngine } from "../../src/run/interpreter-engine.ts";
import { matchWeights, safetensorsCheckpoint } from "../../src/run/weights.ts";
import { emitWgsl } from "../../src/emit/wgsl/emit.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { shownIn, tabsForTests } from "./tabs.ts";
import { compileWhale, folder, weights } from "./whale.ts";

const page = readFileSync("test/browser/page/index.html", "utf8");
const tokens = { data: [26, 44, 41, 1, 59, 44, 37, 48, 41], shape: [1, 9] };

const tabs = tabsForTests();

/** What the page shows for an emitted module and a weight file, and whether it came to an end; undefined without a browser. */
async function visit(
  module: string,
  file: Uint8Array,
): Promise<Awaited<ReturnType<typeof shownIn>> | undefined> {
  const files = new Map<string, string | Uint8Array>([
    ["index.html", page],
    ["model.js", module],
    ["weights.safetensors", file],
    ["inputs.json", JSON.stringify({ tokens })],
  ]);
  const tab = await tabs.visit(files);
  return tab === undefined ? undefined : shownIn(tab, "outputs");
}

const moduleOf = (plan: Plan): string => emitWgsl(plan, { types: false }).files[0]!.text;

test("a page shows the numbers of the interpreter, from an emitted module and the shipped weights", async ({
  skip,
}) => {
  const { graph, plan } = compileWhale();
  const shown = await visit(moduleOf(plan), weights);
  if (shown === undefined) return skip();
  const { state, text } = shown;
  expect(state, text).toBe("done");
  const [logits] = JSON.parse(text) as { name: string; shape: number[]; data: number[] }[];

  const checkpoint = orThrow(safetensorsCheckpoint(weights, folder));
  const oracle = orThrow(interpreterEngine(graph, orThrow(matchWeights(graph, checkpoint))));
  const given = new Map([["tokens", hostTensor("i32", tokens.shape, tokens.data)]]);
  const expected = orThrow(await oracle.run(given)).get("logits")!;
  expect(logits!.name).toBe("logits");
  expect(logits!.shape).toEqual([1, 9, 75]);
  expect(logits!.data).toHaveLength(expected.data.length);
  // Logits up to 13; float32 on the CPU is 1.2e-5 away from float64, another order of additions may be as much again.
  logits!.data.forEach((value, index) => {
    expect(Math.abs(value - expected.data[index]!)).toBeLessThan(5e-5);
  });
});

test("a page says what is wrong with a weight file that is cut off", async ({ skip }) => {
  const shown = await visit(moduleOf(compileWhale().plan), weights.subarray(0, 5000));
  if (shown === undefined) return skip();
  const { state, text } = shown;
  expect(state).toBe("failed");
  expect(text).toMatch(/^WeightsError: /);
});
