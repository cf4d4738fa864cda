import { describe, expect, test } from "vitest";
import type { I32 } from "../../../src/emit/wasm/assembler/code.ts";
import { f32x4, v128 } from "../../../src/emit/wasm/assembler/simd.ts";
import { i32 } from "../../../src/emit/wasm/assembler/numbers.ts";
import { refuse, type KernelWriter, type Phase } from "../../../src/emit/wasm/kernel.ts";
import { planGraph } from "../../../src/plan/build.ts";
import { operandViews } from "../../../src/plan/plan.ts";
import { dim, productOfDims } from "../../../src/tensor/dim.ts";
import { graphOf } from "../../plan/graphs.ts";
import { loneStep, Refused, runKernels, WrittenBeside } from "./harness.ts";
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

describe("a kernel that writes beside what it was given is found", () => {
  /** z = x + y as it should be, and one word so many bytes from the start of a piece of memory. */
  const stray =
    (place: (k: KernelWriter, phase: Phase, stage: Stage) => I32) => (stage: Stage, k: KernelWriter) => {
      const kernel = addRows(stage, k);
      const phase = k.phase();
      phase.push(i32.store(place(k, phase, stage), i32.const(0)));
      return { ...kernel, ...k.finish("stray", "x + y, and a word too many.") };
    };
  const sizes = new Map([["B", 5]]);
  const outOf = (k: KernelWriter, phase: Phase, stage: Stage): I32 =>
    k.address(loneStep(stage).results[0]!)(phase);

  test.each([
    ["its output", 4 * 20, 1, outOf, "tensor of buffer"],
    [
      "a rank's own scratch",
      48,
      1,
      (k: KernelWriter, phase: Phase) => k.own(dim(48))(phase),
      "scratch of rank 0 of stray",
    ],
    [
      "a rank's own scratch, in all ranks",
      48,
      3,
      (k: KernelWriter, phase: Phase) => k.own(dim(48))(phase),
      "scratch of rank 0 of stray",
    ],
    [
      "scratch that threads share",
      64,
      2,
      (k: KernelWriter, phase: Phase) => k.shared(dim(64))(phase),
      "shared scratch of stray",
    ],
  ])("behind %s", (_, bytes, ranks, start, what) => {
    const run = (offset: number) => () =>
      runKernels(plan, {
        inputs,
        sizes,
        ranks,
        kernelOf: stray((k, phase, stage) => i32.add(start(k, phase, stage), i32.const(offset))),
      });
    expect(run(bytes)).toThrow(WrittenBeside);
    expect(run(bytes)).toThrow(what);
    expect(run(bytes - 4)).not.toThrow();
  });
});
