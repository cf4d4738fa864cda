import { expect, test } from "vitest";
import { emitTypeScript } from "../../src/emit/ts/emit.ts";
import { planGraph } from "../../src/plan/build.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import { runOnEachCpu } from "./cpu.ts";
import { graphOf } from "../plan/graphs.ts";

/** The functions of the emitted text that are kernels of a name. */
const kernelsOf = (text: string, name: string): readonly string[] =>
  [...text.matchAll(new RegExp(`^function (${name}\\w*)\\(`, "gm"))].map(([, found]) => found!);

const tensor = (data: readonly number[]) =>
  ({ dtype: "f32", shape: [data.length], data: Float64Array.from(data) }) as const;

test("steps that are alike but for an attribute have kernels of their own", async () => {
  const graph = graphOf(`
    dim B
    input %x: f32[B]
    %a: f32[B] = elementwise(inputs: [%x], program: { mul(i0, 0); add(t0, 1); div(1, t1) })
    %b: f32[B] = elementwise(inputs: [%x], program: { mul(i0, -0); div(1, t0) })
    %c: f32[B] = elementwise(inputs: [%x], program: { mul(i0, 0); div(1, t0) })
    %d: f32[B] = elementwise(inputs: [%x], program: { min(i0, inf) })
    %e: f32[B] = elementwise(inputs: [%x], program: { min(i0, 3) })
    output a = %a
    output b = %b
    output c = %c
    output d = %d
    output e = %e`);
  for (const found of await runOnEachCpu(graph, { inputs: { x: tensor([5]) }, parameters: {} }))
    expect(Object.values(found).map(({ data }) => data[0])).toEqual([1, -Infinity, Infinity, 5, 3]);
});

test("steps that are alike are one kernel, each called with its own tensors", async () => {
  const graph = graphOf(`
    dim B
    input %x: f32[B]
    input %y: f32[B]
    %a: f32[B] = sub(%x, %y)
    %b: f32[B] = sub(%y, %x)
    %c: f32[B] = sub(%x, %x)
    output a = %a
    output b = %b
    output c = %c`);
  const inputs = { x: tensor([5]), y: tensor([3]) };
  for (const found of await runOnEachCpu(graph, { inputs, parameters: {} }))
    expect(Object.values(found).map(({ data }) => data[0])).toEqual([2, -2, 0]);
});

test("the layers of a deep model are written once", () => {
  const layers = Array.from(
    { length: 40 },
    (_, i) => `%h${i + 1}: f32[B, 4] = layer_norm(x: %h${i}, eps: 1e-5)\n output o${i} = %h${i + 1}`,
  );
  const graph = graphOf(`dim B\n input %h0: f32[B, 4]\n ${layers.join("\n ")}`);
  const { text } = emitTypeScript(planGraph(runPasses(graph))).files[0]!;
  expect(kernelsOf(text, "layer_norm")).toEqual(["layer_norm"]);
});
