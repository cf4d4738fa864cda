import { expect, test } from "vitest";
import { f32x4, v128 } from "../../../src/emit/wasm/assembler/simd.ts";
import { i32 } from "../../../src/emit/wasm/assembler/numbers.ts";
import { refuse, type KernelWriter } from "../../../src/emit/wasm/kernel.ts";
import { planGraph } from "../../../src/plan/build.ts";
import { operandViews } from "../../../src/plan/plan.ts";
import { productOfDims } from "../../../src/tensor/dim.ts";
import { graphOf } from "../../plan/graphs.ts";
import { loneStep, Refused, runKernels } from "./harness.ts";
import type { Stage } from "../../../src/plan/loops.ts";

const plan = planGraph(
  graphOf(`
  dim B
  input %x: f32[B, 4]
  input %y: f32[B, 4]
  %z: f32[B, 4] = add(%x, %y)
  output z = %z`),
);

const inputs = Object.fromEntries(
  ["x", "y"].map((name, at) => [
    name,
    { dtype: "f32" as const, shape: [5, 4], data: Float64Array.from({ length: 20 }, (_, i) => i + 100 * at) },
  ]),
);

/** z = x + y, a row a turn. */
function addRows(stage: Stage, k: KernelWriter, most = 1000) {
  const step = loneStep(stage);
  const [x, y] = operandViews(step).map((view) => k.address(view));
  const z = k.address(step.results[0]!);
  const rows = k.size(productOfDims(step.results[0]!.type.shape.slice(0, -1)));
  const phase = k.phase();
  const { from, to } = phase.share(rows(phase));
  const at = phase.local("i32");
  phase.push(
    phase.range(from, to, 1, (row) => [
      refuse(phase, "id", row, i32.const(most)),
      at.set(i32.shl(row, i32.const(4))),
      v128.store(
        i32.add(z(phase), at.get),
        f32x4.add(v128.load(i32.add(x!(phase), at.get)), v128.load(i32.add(y!(phase), at.get))),
      ),
    ]),
  );
  return k.finish("add_rows", "x + y.");
}

test.each([1, 2, 3, 7])("a kernel gives the same, shared among %d threads", (ranks) => {
  const sizes = new Map([["B", 5]]);
  const { z } = runKernels(plan, { inputs, sizes, ranks, kernelOf: (stage, k) => addRows(stage, k) });
  expect(z!.shape).toEqual([5, 4]);
  expect([...z!.data]).toEqual(Array.from({ length: 20 }, (_, i) => 2 * i + 100));
});

test("what a kernel refuses is told", () => {
  const sizes = new Map([["B", 5]]);
  const run = () => runKernels(plan, { inputs, sizes, kernelOf: (stage, k) => addRows(stage, k, 3) });
  expect(run).toThrow(new Refused([1, 3, 3]));
});
