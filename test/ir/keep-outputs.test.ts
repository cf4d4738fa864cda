import { expect, test } from "vitest";
import { compile } from "../../src/compile.ts";
import { keepOutputs } from "../../src/ir/keep-outputs.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { randomInputs, randomParameters } from "../../src/ir/initialize.ts";
import { readGraph } from "../../src/ir/read.ts";
import { verifyGraph } from "../../src/ir/verify.ts";
import { cpuTargets, instantiate } from "../emit/cpu.ts";

const text = `model heads(dim = 4) {
  input x: f32[B, T, dim]
  input mask: bool[B, T] = true
  input extra: f32[B, S, dim]
  residual post ln: layernorm { up: linear(dim) } as body
  h = body -> head: linear(3)
  residual { tail: linear(dim) }
  e = extra -> mean(axis: 1) -> side: linear(2)
  output body
  output h
  output e
  t = stream
  output t
}`;

const kept = (...outputs: string[]) => {
  const { diagnostics, model, graph, plan } = compile({ name: "m.lmg", text }, { outputs });
  expect(diagnostics).toEqual([]);
  return { model: model!, graph: graph!, plan: plan! };
};

test("a kept output needs no parameter, input or dim of those that are left out", () => {
  const { graph, notNeeded } = kept("body").model;
  expect(verifyGraph(graph)).toEqual([]);
  expect(graph.outputs.map(({ name }) => name)).toEqual(["body"]);
  expect(graph.parameters.map(({ name }) => name)).toEqual(["up.weight", "up.bias", "ln.weight", "ln.bias"]);
  expect(notNeeded).toEqual([
    "head.weight",
    "head.bias",
    "tail.weight",
    "tail.bias",
    "side.weight",
    "side.bias",
  ]);
  expect(graph.inputs.map(({ name }) => name)).toEqual(["x"]);
  expect(graph.symbols.map(({ name }) => name)).toEqual(["B", "T"]);
});

test("several stand in the order of the model, and are what they are with all others", () => {
  const whole = compile({ name: "m.lmg", text });
  const sizes = new Map([
    ["B", 2],
    ["T", 3],
    ["S", 5],
  ]);
  const inputs = randomInputs(whole.model!.graph, sizes, 1);
  const parameters = randomParameters(whole.model!.graph, 1);
  const all = interpret(whole.model!.graph, { inputs, parameters });
  for (const names of [["t"], ["e", "h"], ["body", "t"], ["body", "h", "e", "t"]]) {
    const { graph, model } = kept(...names);
    expect(graph.outputs.map(({ name }) => name)).toEqual(
      ["body", "h", "e", "t"].filter((name) => names.includes(name)),
    );
    const given = Object.fromEntries(model.graph.inputs.map(({ name }) => [name, inputs[name]!]));
    const some = interpret(model.graph, { inputs: given, parameters });
    for (const name of names) expect(some[name]).toEqual(all[name]);
  }
});

test("an input that alone says what a dim is stays, though nobody reads it", () => {
  const source = `graph g {
  dim B
  dim T
  input %x: f32[B, 4]
  input %other: f32[B, T]
  %y: f32[T, 4] = full(dtype: f32, shape: [T, 4], value: 1)
  %z: f32[B, 4] = relu(x: %x)
  output y = %y
  output z = %z
}`;
  const graph = readGraph({ name: "g.ir", text: source }).graph!;
  expect(keepOutputs(graph, new Set(["y"])).graph.inputs.map(({ name }) => name)).toEqual(["other"]);
  expect(verifyGraph(keepOutputs(graph, new Set(["y"])).graph)).toEqual([]);
});

test("a name that is no output is an error with a way forward", () => {
  const { diagnostics, model } = compile({ name: "m.lmg", text }, { outputs: ["bdy"] });
  expect(model).toBeUndefined();
  expect(diagnostics.map(({ code, message, help }) => `${code} ${message} | ${help!}`)).toEqual([
    "E236 the model has no output called `bdy` | did you mean `body`?",
  ]);
});

test.each(cpuTargets)(
  "a module in $name asks for the weights that it needs, and takes those of the whole model",
  async (cpu) => {
    const { plan } = kept("body");
    const module = await instantiate(cpu, plan);
    const whole = randomParameters(compile({ name: "m.lmg", text }).model!.graph, 3);
    const needed = Object.fromEntries(Object.entries(whole).filter(([name]) => /^(up|ln)\./.test(name)));
    const x = { data: Array.from({ length: 8 }, (_, i) => i), shape: [1, 2, 4] };
    const some = await (await module.createModel(needed)).run({ x });
    expect(await (await module.createModel(whole)).run({ x })).toEqual(some);
    expect(Object.keys(some)).toEqual(["body"]);
    await expect(module.createModel({ ...whole, stranger: needed["up.bias"]! })).rejects.toThrow(
      "surplus: stranger",
    );
  },
);
