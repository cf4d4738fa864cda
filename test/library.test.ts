import { expect, test } from "vitest";
import { interpret, passes, randomInputs, randomParameters, type Pass } from "../src/entries/ir.ts";
import { compile } from "../src/index.ts";
import {
  matchParameters,
  Problem,
  readSafetensors,
  toHostTensor,
  toStored,
  writeSafetensors,
} from "../src/run/index.ts";

const text = "model m { input x: f32[B, 4]; residual post ln: layernorm { up: linear(4) }; output y }";

/** The value, or the failure as an error: how someone outside tells the two apart. */
function valueOf<T>(found: T | Problem): T {
  if (found instanceof Problem) throw new Error(`${found.code} ${found.message}`);
  return found;
}

test("weights go through a file, and into the interpreter, with what the library exports", () => {
  const graph = compile({ name: "m.lmg", text }).graph!;
  const parameters = randomParameters(graph, 1);
  const inputs = randomInputs(graph, { B: 3 }, 2);
  // Stored in 64 bits, nothing is rounded.
  const stored = Object.entries(parameters).map(([name, tensor]) => [name, toStored(tensor, "f64")] as const);
  const { tensors } = valueOf(readSafetensors(writeSafetensors(new Map(stored)), "w.safetensors"));
  const read = Object.fromEntries(
    [...tensors].map(([name, tensor]) => [
      name,
      { ...valueOf(toHostTensor(tensor, name)), dtype: "f32" as const },
    ]),
  );
  expect(interpret(graph, { inputs, parameters: read })).toEqual(interpret(graph, { inputs, parameters }));
});

test("what is wrong with a file is told apart by its class", () => {
  expect(() => valueOf(readSafetensors(new Uint8Array(3), "w.safetensors"))).toThrow(
    /^E701 w\.safetensors: /,
  );
  const graph = compile({ name: "m.lmg", text }).graph!;
  expect(matchParameters(graph.parameters, new Map(), "w.safetensors")).toEqual([expect.any(Problem)]);
});

test("passes run when what they make is asked for, and once", () => {
  let runs = 0;
  const counted: Pass = { name: "counted", doc: "counts", run: (graph) => (runs++, graph) };
  const compiled = compile({ name: "m.lmg", text }, { passes: [...passes, counted] });
  expect([compiled.diagnostics, compiled.model?.graph.name, runs]).toEqual([[], "m", 0]);
  const { graph, plan, remarks } = compiled;
  expect([graph!.nodes.length, plan!.steps.length, remarks.length].every((count) => count > 0)).toBe(true);
  expect(runs).toBe(1);
});
