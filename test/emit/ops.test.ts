import { describe, expect, test } from "vitest";
import { isScalarName } from "../../src/ops/scalar.ts";
import { hasTrait, isGraphKernel, opNames, type OpName } from "../../src/ops/table.ts";
import { opCases } from "../ops/cases/all.ts";
import { cpuTargets, runOnCpu } from "./cpu.ts";
import { toleranceOf } from "./wasm/tolerance.ts";
import { expectAllNear, FLOAT32, graphOfCase } from "./op-graphs.ts";

/** What graphs may hold when they are planned: kernels and what becomes kernels, views, buffers and copies. */
const planned: readonly OpName[] = [
  ...opNames.filter(
    (op) =>
      isGraphKernel(op) ||
      isScalarName(op) ||
      (hasTrait(op, "view") && op !== "recompute") ||
      hasTrait(op, "known"),
  ),
  ...(["linear", "concat"] as const),
];

const allowed = {
  TypeScript: (_: OpName, each: { readonly tolerance?: number }) => Math.max(each.tolerance ?? 0, FLOAT32),
  WebAssembly: toleranceOf,
};

const rows = cpuTargets.flatMap((cpu) => planned.map((op) => [cpu.name, op, cpu] as const));

describe.each(rows)("in %s the kernel of %s", (name, op, cpu) => {
  test.each(opCases[op].map((each) => [each.about, each] as const))("%s", async (_, each) => {
    const { graph, tensors } = graphOfCase(op, each.operands, each.attrs ?? {});
    const results = await runOnCpu(cpu, graph, { inputs: tensors, parameters: {} });
    each.expected.forEach((expected, index) => {
      const found = results[`y${index}`]!;
      expect(found.shape).toEqual(expected.shape);
      expectAllNear(found.data, expected.data, allowed[name](op, each, tensors));
    });
  });
});
