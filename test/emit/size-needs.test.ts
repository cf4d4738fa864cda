import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile.ts";
import { emitWgsl } from "../../src/emit/wgsl/emit.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { randomInputs, randomParameters } from "../../src/ir/initialize.ts";
import { planGraph } from "../../src/plan/build.ts";
import { sizeNeeds } from "../../src/plan/size-needs.ts";
import { cpuTargets, instantiate } from "./cpu.ts";

/** What a model does with x [B, T, 4], the first length that it takes, and what is said of one less. */
const cases: readonly (readonly [string, body: string, least: number, message: string])[] = [
  ["a place from the start", "select(5, axis: 1)", 6, "1 from 5 reaches past the T of axis 1"],
  ["a place from the end", "select(-5, axis: 1)", 5, "the size T - 5 is below 0"],
  ["a part up to a number", "slice(0, end: 5, axis: 1)", 5, "5 from 0 reaches past the T of axis 1"],
  ["a part from a number on", "slice(3, end: T, axis: 1)", 3, "the size T - 3 is below 0"],
  [
    "a copy for each place but some",
    "mean(axis: 1, keep: true) -> expand(1, n: T - 4)",
    4,
    "the size T - 4 is below 0",
  ],
  ["the largest along an axis", "(v, _) = transpose -> topk(5)\n  v", 5, "cannot take 5 of T elements"],
  ["a convolution", "unsqueeze(1) -> c: conv2d(2, [5, 1])", 5, "[B, 1, T, 4] is smaller than the kernel"],
  [
    "a pool with steps",
    "unsqueeze(1) -> maxpool([5, 1], stride: [3, 1])",
    5,
    "[B, 1, T, 4] is smaller than the kernel",
  ],
];

const modelOf = (body: string, length = "T") =>
  compile({
    name: "m.lmg",
    text: `model m {\n  input x: f32[B, ${length}, 4]\n  ${body}\n  output y\n}`,
  });

describe.each(cases)("%s: what is shorter than the model takes is refused", (_, body, least, message) => {
  const { model, graph } = modelOf(body);
  const inputs = (length: number) =>
    randomInputs(
      model!.graph,
      new Map([
        ["B", 2],
        ["T", length],
      ]),
      1,
    );
  const parameters = randomParameters(model!.graph, 1);

  test.each(cpuTargets)("by the module for $name, and what is not is right", async (cpu) => {
    const { createModel } = await instantiate(cpu, planGraph(graph!, { target: cpu.target }));
    const run = await createModel(parameters, { threads: 1 });
    try {
      for (let length = 1; length < least; length++)
        await expect((async () => run.run(inputs(length)))()).rejects.toThrow(message);
      const expected = interpret(model!.graph, { inputs: inputs(least), parameters });
      const { y } = await run.run(inputs(least));
      expect(y!.shape).toEqual(expected["y"]!.shape);
      for (const [at, value] of expected["y"]!.data.entries()) expect(y!.data[at]).toBeCloseTo(value, 5);
    } finally {
      run.close();
    }
  });

  test("by the interpreter, and by the module for WebGPU", () => {
    for (let length = 1; length < least; length++)
      expect(() => interpret(model!.graph, { inputs: inputs(length), parameters })).toThrow();
    expect(emitWgsl(planGraph(graph!)).files[0]!.text).toContain(message);
  });
});

test("nothing is asked of dims that their bounds say already", () => {
  const needsOf = (body: string, length: string) =>
    sizeNeeds(modelOf(body, length).graph!).map(({ size }) => size.key);
  expect(needsOf("residual { w: parameter([8, 4]) -> slice(0, end: T, axis: 0) }", "T <= 8")).toEqual([]);
  expect(needsOf("select(-1, axis: 1)", "T")).toEqual([]);
  expect(needsOf("slice(0, end: div(T + 1, 2), axis: 1)", "T <= 8")).toEqual(["T - div(T + 1, 2)"]);
});
