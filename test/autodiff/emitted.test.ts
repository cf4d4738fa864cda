import { describe, expect, test } from "vitest";
import { differentiate } from "../../src/autodiff/differentiate.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { CoreOp } from "../../src/ops/table.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import { isFloat } from "../../src/tensor/dtype.ts";
import { cpuTargets, runOnCpu } from "../emit/cpu.ts";
import { gradientCases, smoothOps, type GradientCase } from "./cases.ts";
import { OpGraph } from "./graphs.ts";

/**
 * Results are stored in float32 between a few steps: some units of 2⁻²⁴, relative to the largest element of a gradient,
 * as sums cancel. WebAssembly computes in float32 too.
 */
const tolerances = { TypeScript: 2e-6, WebAssembly: 4e-6 };

const cases = gradientCases as unknown as Readonly<Record<string, readonly GradientCase<"exp">[]>>;

const rows = cpuTargets.flatMap((cpu) => smoothOps.map((op: CoreOp) => [cpu.name, op, cpu] as const));

describe.each(rows)("in %s the gradient of %s is what the interpreter computes", (name, op, cpu) => {
  const tolerance = tolerances[name];
  test.each(cases[op]!.map((each) => [each.about, each] as const))(
    "%s",
    async (_, { operands, attrs = {}, ignoredResults = [], fixed = [] }) => {
      const { graph, loss, inputs } = new OpGraph(op, operands, attrs, ignoredResults);
      const wrt = graph.inputs.filter(
        ({ name, value }) => isFloat(value.type.dtype) && !name.startsWith("gy_") && !fixed.includes(name),
      );
      const { graph: whole, gradients } = differentiate(
        graph,
        [loss],
        wrt.map(({ value }) => value),
      );
      const outputs = wrt.map(({ name, value }) => ({
        name,
        value: gradients.get(value)!,
        span: undefined,
      }));
      const bindings = { inputs, parameters: {} };
      const result: Graph = { ...whole, outputs };
      const expected = interpret(result, bindings);
      const found = await runOnCpu(cpu, runPasses(result, { verify: true }), bindings);
      expect(wrt.length).toBeGreaterThan(0);
      for (const { name } of wrt) {
        const wanted = expected[name]!;
        const largest = Math.max(1, ...[...wanted.data].map(Math.abs));
        expect(found[name]!.data.length).toBe(wanted.data.length);
        wanted.data.forEach((value, i) => {
          const here = found[name]!.data[i]!;
          if (!(Math.abs(here - value) <= tolerance * largest))
            expect.fail(`${name}[${i}] is ${here}, the interpreter's ${value}`);
        });
      }
    },
  );
});
