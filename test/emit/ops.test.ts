import { describe, expect, test } from "vitest";
import type { OpName } from "../../src/ops/table.ts";
import { opCases } from "../ops/cases/all.ts";
import { cpuTargets, runOnCpu } from "./cpu.ts";
import { toleranceOf } from "./wasm/tolerance.ts";
import { expectAllNear, FLOAT32, graphOfCase } from "./op-graphs.ts";
import { plannedOps } from "./planned-ops.ts";

const allowed = {
  TypeScript: (_: OpName, each: { readonly tolerance?: number }) => Math.max(each.tolerance ?? 0, FLOAT32),
  WebAssembly: toleranceOf,
};

const rows = cpuTargets.flatMap((cpu) => plannedOps.map((op) => [cpu.name, op, cpu] as const));

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
