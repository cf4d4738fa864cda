import { readFileSync } from "node:fs";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile.ts";
import { emitTypeScript } from "../../src/emit/ts/emit.ts";
import { randomInputs, randomParameters } from "../../src/ir/initialize.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { graphOf, planOf } from "../plan/graphs.ts";
import { planGraph } from "../../src/plan/build.ts";
import { complaints, projectComplaints, strict } from "./complaints.ts";
import { cpuTargets, instantiate } from "./cpu.ts";
import { importText } from "./instantiate.ts";

const textOf = (plan: Plan, types = true): string => emitTypeScript(plan, { types }).files[0]!.text;

/** A plan with every kind of kernel and helper that a module may have. */
const broad = graphOf(`
  dim B
  dim T <= 64
  input %ids: i32[B, T]
  input %mask: bool[B, 1, T, T] = 1
  input %image: f32[B, 2, 6, 6] = 0.5
  parameter %table: f32[11, 8] = normal(0, 1) "table.weight"
  parameter %w: f32[8, 8] = normal(0, 1) "a.weight"
  parameter %kernel: f32[3, 2, 3, 3] = normal(0, 1) "conv.weight"
  parameter %row: f32[8] = constant(1) "row"
  parameter %steps: i32[3] = constant(2) "steps"
  %x: f32[B, T, 8] = embedding(table: %table, ids: %ids)
  %l: f32[B, T, 8] = linear(x: %x, weight: %w)
  %g: f32[B, T, 8] = gelu(%l)
  %n: f32[B, T, 8], %s: f32[B, T, 8] = add_norm(source: %x, branches: [%g], weights: [%row], norm: rms, eps: 1e-5, affines: [weight])
  %h: f32[B, T, 2, 4] = reshape(x: %n, shape: [B, T, 2, 4])
  %r: f32[B, T, 2, 4] = rope(x: %h, layout: heads_last)
  %a: f32[B, T, 2, 4] = attend(q: %r, k: %r, v: %h, mask: %mask, scale: 0.5, causal: true, layout: heads_last)
  %half: bf16[B, T, 2, 4] = cast(x: %a, dtype: bf16)
  %best: bf16[B, T, 2, 2], %where: i32[B, T, 2, 2] = topk(x: %half, k: 2)
  %back: bf16[B, T, 2, 4] = spread(values: %best, indices: %where, size: 4)
  %c: f32[B, 3, 4, 4] = conv2d(x: %image, weight: %kernel)
  %p: f32[B, 3, 2, 2] = max_pool2d(x: %c, kernel: [2, 2], stride: [2, 2])
  %loss: f32[] = cross_entropy(logits: %s, targets: %ids, ignore: 9, smoothing: 0.1)
  %i: i32[3] = iota(size: 3)
  %j: i32[3] = add(%i, %steps)
  output back = %back
  output where = %where
  output p = %p
  output loss = %loss
  output whole = %j`);

const gpt2 = (settings: Record<string, string>): Plan => {
  const source = { name: "gpt2.lmg", text: readFileSync("examples/gpt2.lmg", "utf8") };
  return compile(source, { settings }).plan!;
};

describe("an emitted module", () => {
  test.each([
    ["of all kinds of kernels", planGraph(broad)],
    ["of a language model", gpt2({ dim: "24", heads: "3", depth: "2", vocab: "50", ctx: "20" })],
    ["without parameters", planOf("input %x: f32[3]\n %y: f32[3] = exp(%x)\n output y = %y")],
    ["without steps or inputs", planOf(`parameter %p: f32[2] = constant(1) "p"\n output p = %p`)],
  ])("%s passes tsc --strict and holds only types that can be erased", (_, plan) => {
    expect(complaints(textOf(plan))).toEqual([]);
  });

  test("with attention that sees all keys passes as well", () => {
    const plan = planOf(`
      input %q: f32[1, 2, 5, 4]
      %a: f32[1, 2, 5, 4] = attend(q: %q, k: %q, v: %q, scale: 0.5)
      output a = %a`);
    expect(complaints(textOf(plan))).toEqual([]);
  });

  test("fits into a project with any settings, and has types for those who import it", () => {
    const options: ts.CompilerOptions = {
      ...strict,
      noUncheckedIndexedAccess: true,
      noPropertyAccessFromIndexSignature: true,
      verbatimModuleSyntax: true,
    };
    const emitted = textOf(gpt2({ dim: "24", heads: "3", depth: "2", vocab: "50", ctx: "20" }));
    const use = (argument: string): string =>
      `import { createModel } from "./module.ts";
       export const shape: readonly number[] = createModel({}).run(${argument}).logits.shape;`;
    const complaintsOf = (argument: string): string[] =>
      projectComplaints({ "use.ts": use(argument), "module.ts": emitted }, options);
    expect(complaintsOf("{ tokens: { data: [1], shape: [1, 1] } }")).toEqual([]);
    expect(complaintsOf("{ token: { data: [1], shape: [1, 1] } }")).toEqual([
      "Object literal may only specify known properties, but 'token' does not exist in type 'Inputs'. Did you mean to write 'tokens'?",
    ]);
    expect(complaintsOf("{ tokens: [1] }")).toEqual([
      "Type 'number[]' is missing the following properties from type 'Tensor': data, shape",
    ]);
    expect(emitted).toMatch(/^\/\* eslint-disable \*\/$/m);
  });

  test("with a type error would not pass", () => {
    const text = textOf(planGraph(broad)).replace("const scale = 1 /", 'const scale = "1" /');
    expect(complaints(text)).toEqual([
      "The left-hand side of an arithmetic operation must be of type 'any', 'number', 'bigint' or an enum type.",
    ]);
  });

  test("imports nothing and names nothing of Node", () => {
    const text = textOf(planGraph(broad));
    expect(text).not.toMatch(/\b(import|require|process|Buffer|globalThis)\b/);
    expect(text.length).toBeGreaterThan(10_000);
  });

  test("computes the same with its types stripped by TypeScript as in its own JavaScript form", async () => {
    const stripped = ts.transpileModule(textOf(planGraph(broad)), {
      compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
    }).outputText;
    const parameters = randomParameters(broad, 1);
    const inputs = randomInputs(broad, { B: 2, T: 5 }, 2, { idLimit: 8 });
    const [a, b] = await Promise.all(
      [stripped, textOf(planGraph(broad), false)].map(async (text) =>
        (await importText(text)).createModel(parameters).run(inputs),
      ),
    );
    expect(Object.keys(a!)).toEqual(["back", "where", "p", "loss", "whole"]);
    expect(a).toEqual(b);
  });

  test("has each kernel once, however many layers call it", () => {
    const functions = (depth: string): number =>
      textOf(gpt2({ dim: "24", heads: "3", vocab: "50", ctx: "20", depth })).match(/^function /gm)!.length;
    expect(functions("12")).toBe(functions("3"));
  });

  test("has no marks of types left in either form", () => {
    for (const types of [true, false]) expect(textOf(planGraph(broad), types)).not.toMatch(/[«»]/);
  });
});

test("names of a model that are words of TypeScript, of the module or of JavaScript's globals do no harm", async () => {
  const names = [
    "f32",
    "weights",
    "class",
    "Math",
    "slot0",
    "InputError",
    "copy",
    "exp",
    "toString",
    "__proto__",
    "a«b»",
  ];
  const lines = names.map((name, i) => `parameter %p${i}: f32[2] = constant(1) ${JSON.stringify(name)}`);
  const sums = names.map((_, i) => `%s${i + 1}: f32[2] = add(%s${i}, %p${i})`);
  const plan = planOf(`
    dim Math
    input %run: f32[2]
    input %inputs: f32[Math]
    ${lines.join("\n")}
    %s0: f32[2] = exp(%run)
    ${sums.join("\n")}
    %m: f32[Math] = exp(%inputs)
    output return = %s${names.length}
    output m = %m`);
  const tensors = new Map(names.map((name, i) => [name, { data: Float32Array.of(i, 1), shape: [2] }]));
  for (const cpu of cpuTargets) {
    const { createModel } = await instantiate(cpu, plan);
    const model = await createModel(tensors);
    const outputs = await model.run({
      run: { data: [0, 0], shape: [2] },
      inputs: { data: [0], shape: [1] },
    });
    model.close();
    expect([...(outputs["return"]!.data as Float32Array)]).toEqual([1 + 55, 1 + 11]);
  }
  expect(complaints(textOf(plan))).toEqual([]);
});

test("a small model reads well", async () => {
  const source = { name: "norm_tanh.lmg", text: readFileSync("examples/norm_tanh.lmg", "utf8") };
  await expect(textOf(compile(source).plan!)).toMatchFileSnapshot("norm_tanh.snapshot.ts.txt");
});
