import { readFileSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { compile } from "../../../src/compile.ts";
import { emitWgsl, type WgslOptions } from "../../../src/emit/wgsl/emit.ts";
import { planGraph, planProgram } from "../../../src/plan/build.ts";
import type { Plan, ProgramPlan } from "../../../src/plan/plan.ts";
import { randomParameters } from "../../../src/ir/initialize.ts";
import { classifier, trainingOf } from "../../train/small.ts";
import { validationDevice } from "../../webgpu/device.ts";
import { derived, exampleGraph } from "../../incremental/models.ts";
import { complaints, strict } from "../complaints.ts";
import { planWithSessions } from "../sessions.ts";
import { cases } from "./cases.ts";
import { instantiate } from "./module.ts";

const textOf = (plan: Plan | ProgramPlan, options: WgslOptions = {}): string =>
  emitWgsl(plan, options).files[0]!.text;

const example = (name: string, settings: Readonly<Record<string, string>> = {}): Plan => {
  const text = readFileSync(new URL(`../../../examples/${name}.lmg`, import.meta.url), "utf8");
  return compile({ name: `${name}.lmg`, text }, { settings }).plan!;
};

const causal = exampleGraph("gpt2", { dim: 24, heads: 3, depth: 2, vocab: 50, ctx: 64 });
const decoded = derived(causal);

describe("an emitted WebGPU module", () => {
  test.each([
    ["of a language model", textOf(example("gpt2", { dim: "24", heads: "3", depth: "2", vocab: "50" }))],
    ["with 16-bit storage", textOf(example("neox", { dim: "16", heads: "2", depth: "1" }), { f16: true })],
    ["with parts of a matrix", textOf(example("gpt2", { depth: "1" }))],
    ["of a training", textOf(trainingOf(classifier, { accumulate: 2 }).program.plan)],
    ["of a training with 16-bit storage", textOf(trainingOf(classifier).program.plan, { f16: true })],
    ["of a decoding program", textOf(planProgram(decoded.program))],
    ["that makes sessions", textOf(planWithSessions(causal, "wgsl"))],
    ["without steps of many workgroups", textOf(example("residual_dense"))],
    ["without parameters", textOf(planGraph(cases.softmax[0]!.graph))],
    ["without run-time sizes", textOf(planGraph(cases.cast[0]!.graph))],
  ])("%s passes tsc --strict and holds only types that can be erased", (_, text) => {
    expect(complaints(text)).toEqual([]);
  });

  test("passes with the types of @webgpu/types as well", () => {
    // Both libraries declare WebGPU, so their own files are not checked against each other.
    const options = { ...strict, types: ["@webgpu/types"], skipLibCheck: true };
    expect(complaints(textOf(example("gpt2", { depth: "1" })), options)).toEqual([]);
  });

  test("with a type error would not pass", () => {
    const text = textOf(example("norm_tanh")).replace("pass.end();", "pass.end(1);");
    expect(complaints(text)).toEqual(["Expected 0 arguments, but got 1."]);
  });

  test("imports nothing, and names nothing of Node or of the page but where it looks for a file", () => {
    const lines = textOf(example("gpt2")).split("\n");
    const looks = lines.filter((line) => /getBuiltinModule|hostOf = \(\)/.test(line));
    expect(looks).toHaveLength(3);
    const text = lines.filter((line) => !looks.includes(line)).join("\n");
    expect(text).not.toMatch(
      /\b(import|require|process|Buffer\.|globalThis|navigator|document|window)\b(?! \d)/,
    );
  });

  test("reads as a person would write it", async () => {
    await expect(textOf(example("norm_tanh"))).toMatchFileSnapshot("norm_tanh.snapshot.ts.txt");
  });

  test("has each kernel once, however deep the model is", () => {
    const kernelsOf = (depth: string): number =>
      textOf(example("gpt2", { depth })).match(/\/\* wgsl \*\//g)!.length;
    expect(kernelsOf("12")).toBe(kernelsOf("3"));
  });
});

test("a text that is read token by token is bound anew only where its memory grows", async () => {
  const device = await validationDevice();
  const module = await instantiate<"step">(planProgram(decoded.program));
  const parameters = randomParameters(decoded.program.parts["step"]!, 1);
  const model = await module.createModel(device, parameters, { dims: { B: 1, C: 64 } });
  const counts: number[] = [];
  const makers = [vi.spyOn(device, "createBindGroup"), vi.spyOn(device, "createBuffer")];
  for (let P = 0; P < 64; P++) {
    for (const maker of makers) maker.mockClear();
    await model.step({ tokens: { data: [P % 50], shape: [1, 1] } }, { P });
    counts.push(makers.reduce((sum, { mock }) => sum + mock.calls.length, 0));
  }
  // From 1 position to 64 by half as much more each time.
  expect(counts.filter((count) => count > 0).length).toBeLessThan(Math.log(64) / Math.log(1.5) + 1);
  expect(counts.slice(-16).filter((count) => count > 0).length).toBeLessThan(2);
  model.destroy();
});
