import { setFlagsFromString } from "node:v8";
import { describe, expect, test } from "vitest";
import type { KernelWriter } from "../../../src/emit/wasm/kernel.ts";
import { kernelOf } from "../../../src/emit/wasm/kernels/table.ts";
import { machines } from "../../../src/emit/wasm/machine.ts";
import { planGraph } from "../../../src/plan/build.ts";
import type { Stage } from "../../../src/plan/loops.ts";
import { RandomStream } from "../../../src/tensor/random.ts";
import { hostTensor, type HostTensor } from "../../../src/tensor/host.ts";
import { evaluateTopk } from "../../../src/ops/evaluate/reduce.ts";
import { planOf } from "../../plan/graphs.ts";
import { opCases } from "../../ops/cases/all.ts";
import { expectAllNear, FLOAT32, graphOfCase } from "../op-graphs.ts";
import { attentionPlan, expectedOf, operandsOf, type Attention, type Operands } from "./attentions.ts";
import { runKernels } from "./harness.ts";

// Node 20 has relaxed SIMD behind a flag.
setFlagsFromString("--experimental-wasm-relaxed-simd");

const write = (stage: Stage, k: KernelWriter) => kernelOf(stage, k, ({ buffer }) => `${buffer}`);

describe.each(["attend", "attend_grad", "topk"] as const)("%s", (op) => {
  test.each(opCases[op].map((each) => [each.about, each] as const))("%s", (_, each) => {
    const { graph, tensors } = graphOfCase(op, each.operands, each.attrs ?? {});
    for (const machine of Object.values(machines)) {
      const results = runKernels(planGraph(graph), { inputs: tensors, kernelOf: write, machine });
      each.expected.forEach((expected, index) => {
        expectAllNear(results[`y${index}`]!.data, expected.data, Math.max(each.tolerance ?? 0, FLOAT32));
      });
    }
  });
});

/**
 * A score is a sum of products in float32: it is off by some units of 2^-24 of what is summed, which is at most scale ·
 * width for numbers within 1, and so are weights, relatively; sums of values times weights lose as little again.
 */
const toleranceOf = ({ width, scale = width ** -0.5, alibi, keys = 1 }: Attention): number =>
  1e-6 * (2 + scale * Math.sqrt(width) + (alibi ? keys / 100 : 0));

/** Runs on both machines and with several numbers of threads, whose bits must be the same; compares with float64. */
function check(
  op: "attend" | "attend_grad",
  given: Attention,
  change: (operands: Operands) => void = () => undefined,
): void {
  const operands = operandsOf(given);
  change(operands);
  const { plan, sizes, inputs } = attentionPlan(op, given, operands);
  const expected = expectedOf(op, given, operands);
  for (const machine of Object.values(machines)) {
    const run = (ranks: number) => runKernels(plan, { inputs, sizes, ranks, machine, kernelOf: write });
    const results = run(1);
    expected.forEach(({ data }, index) => {
      expectAllNear(results[`y${index}`]!.data, data, toleranceOf(given));
    });
    for (const ranks of [2, 3, 7]) expect(run(ranks)).toEqual(results);
  }
}

const pick = <T>(stream: RandomStream, values: readonly T[]): T => values[stream.below(values.length)]!;

/** An attention of random sizes and attributes. */
function randomAttention(seed: number, sizes: readonly number[]): Attention {
  const stream = new RandomStream(seed, "attention");
  const from = <T>(...values: readonly T[]): T => pick(stream, values);
  const queries = pick(stream, sizes);
  const lies = from("heads_first" as const, "heads_last" as const, "columns" as const);
  const keys = lies === "columns" ? queries : queries + from(0, 0, 1, 7, 300);
  const [batch, [heads, keyHeads]] = [from(1, 2), from([1, 1], [3, 3], [8, 2], [6, 3], [3, 1])];
  const stretched = (): readonly number[] | undefined => {
    const shape = [batch, heads, queries, keys];
    const rank = from(0, 0, 1, 2, 3, 4, 4);
    if (rank === 0) return undefined;
    return shape.slice(4 - rank).map((size) => from(1, size, size));
  };
  return {
    ...{ batch, heads: heads, keyHeads: keyHeads, queries, keys, lies, seed },
    width: from(1, 3, 8, 33, 64),
    valueWidth: from(1, 5, 8, 33, 64),
    causal: from(true, false),
    window: from(undefined, undefined, 1, 5, 40, 400),
    softcap: from(0, 0, 3),
    alibi: from(false, false, true),
    bias: stretched(),
    mask: stretched(),
    symbolic: from(true, false),
    observe: from(true, false),
  };
}

const seeds = Array.from({ length: 36 }, (_, seed) => seed);

test.each(seeds)("a random attention gives what its record says (%d)", (seed) => {
  check("attend", randomAttention(seed, [1, 2, 5, 13, 64]));
});

test.each(seeds)("the gradient of a random attention is what its record says (%d)", (seed) => {
  check("attend_grad", randomAttention(seed, [1, 2, 5, 13, 64]));
});

/** Replaces a number of a tensor [1, rows, width]. */
const spoil =
  (name: "q" | "k" | "v" | "grad" | "bias", value: number, ...at: readonly number[]) =>
  (operands: Operands): void => {
    for (const index of at) operands[name].data[index] = value;
  };

describe("numbers that are none", () => {
  const some: Attention = { queries: 20, width: 8, causal: true };
  const few: Attention = { queries: 3, keys: 20, width: 8, causal: true };
  const masked: Attention = { queries: 20, width: 5, mask: [20] };
  const hide =
    (key: number, ...changes: readonly ((operands: Operands) => void)[]) =>
    (operands: Operands): void => {
      operands.mask.data[key] = 0;
      for (const change of changes) change(operands);
    };

  test.each([NaN, Infinity, -Infinity])("in keys and values are seen where these are: %d", (value) => {
    for (const given of [some, few]) {
      check("attend", given, spoil("v", value, 8 * 17 + 3));
      check("attend", given, spoil("k", value, 8 * 17 + 3));
    }
    check("attend_grad", some, spoil("v", value, 8 * 19 + 3));
    if (Number.isNaN(value)) check("attend_grad", { ...some, observe: true }, spoil("k", value, 8 * 17 + 3));
  });

  test.each([NaN, Infinity])("in a key that is hidden have no part: %d", (value) => {
    const change = hide(7, spoil("k", value, 35, 36), spoil("v", value, 37, 38));
    for (const queries of [20, 3]) check("attend", { ...masked, queries, keys: 20 }, change);
    check("attend_grad", masked, change);
  });

  test("in the gradient go to what is seen", () => {
    check("attend_grad", masked, hide(7, spoil("grad", NaN, 42)));
    check("attend_grad", some, spoil("grad", Infinity, 42));
  });

  test.each([Infinity, -Infinity, NaN])("in a bias, %d", (value) => {
    const given: Attention = { queries: 12, width: 8, bias: [12, 12] };
    check("attend", given, spoil("bias", value, 5, 40));
    check("attend", { ...given, queries: 2, keys: 12, bias: [2, 12] }, spoil("bias", value, 5));
    check("attend_grad", given, spoil("bias", value, 5, 40));
  });
});

test("a row that sees nothing is 0, and so are its gradients", () => {
  const hide = ({ mask }: Operands): void => {
    mask.data.fill(0, 0, 40);
  };
  for (const op of ["attend", "attend_grad"] as const) {
    check(op, { queries: 20, width: 8, mask: [20, 20], observe: true }, hide);
    // The first queries stand before all keys.
    check(op, { queries: 20, keys: 13, width: 8, causal: true, observe: true });
    check(op, { queries: 5, keys: 3, width: 8, causal: true, window: 2 });
  }
});

test("scores of ten thousand lose no more than float32 does", () => {
  const given: Attention = { queries: 40, width: 16, scale: 4000 };
  check("attend", given);
  check("attend_grad", { ...given, scale: 40, observe: true });
  check("attend", { ...given, queries: 2, keys: 40 });
});

test.each([
  ["items", [1, 3, 9, 11]],
  ["heads", [4, 1, 9, 11]],
  ["both", [9, 11]],
  ["rows, too", [11]],
  ["all but rows", [9, 1]],
  ["neither", [4, 3, 9, 11]],
])("a bias that %s share has the sum of their gradients", (_, bias) => {
  const given: Attention = { batch: 4, heads: 3, queries: 9, keys: 11, width: 8, bias };
  check("attend_grad", given);
  check("attend_grad", { ...given, symbolic: true, causal: true });
});

test.each([300, 1024])("long ones go over several blocks of keys (%d)", (queries) => {
  check("attend", { queries, heads: 2, width: 16, causal: true });
  check("attend", { queries: 70, keys: queries, heads: 2, width: 16, window: 90, mask: [queries] });
  check("attend_grad", { queries: 70, keys: queries, heads: 2, width: 16, window: 90, mask: [queries] });
  check("attend_grad", { queries, width: 5, causal: true, observe: true });
});

test("what is observed of the rows moves no bit of the gradients", () => {
  const given: Attention = {
    queries: 70,
    keys: 300,
    heads: 4,
    keyHeads: 2,
    width: 16,
    causal: true,
    bias: [300],
  };
  const operands = operandsOf(given);
  const [seen, not] = [true, false].map((observe) => {
    const { plan, sizes, inputs } = attentionPlan("attend_grad", { ...given, observe }, operands);
    return runKernels(plan, { inputs, sizes, kernelOf: write });
  });
  for (const name of ["y0", "y1", "y2", "y3"]) expect(seen![name]).toEqual(not![name]);
  expect(Object.keys(seen!)).toHaveLength(6);
});

describe("topk", () => {
  const numbers = (dtype: "f32" | "i32", rows: number, width: number, seed: number): HostTensor => {
    const stream = new RandomStream(seed, "topk");
    const special = [NaN, Infinity, -Infinity, 0, -0];
    const draw = (): number =>
      dtype === "f32" && stream.uniform() < 0.1 ? pick(stream, special) : stream.below(50) - 25;
    return hostTensor(dtype, [rows, width], Array.from({ length: rows * width }, draw));
  };

  test.each([
    [1, 1, 1],
    [3, 7, 7],
    [5, 100, 4],
    [2, 1003, 50],
  ])("takes the largest, the first of equal ones, NaN before all: %d × %d, %d", (rows, width, k) => {
    for (const dtype of ["f32", "i32"] as const) {
      const x = numbers(dtype, rows, width, width);
      const { graph, tensors } = graphOfCase("topk", { x }, { k });
      const [values, indices] = evaluateTopk(x, k);
      for (const ranks of [1, 2, 7]) {
        const results = runKernels(planGraph(graph), { inputs: tensors, kernelOf: write, ranks });
        expect([...results["y0"]!.data]).toEqual([...values!.data]);
        expect([...results["y1"]!.data]).toEqual([...indices!.data]);
      }
    }
  });

  test("reads rows of a view", () => {
    const plan = planOf(`
      dim B
      input %x: f32[B, 3, 10]
      %y: f32[3, B, 10] = permute(x: %x, axes: [1, 0, 2])
      %z: f32[3, B, 6] = slice(x: %y, axis: 2, start: 3, size: 6)
      %v: f32[3, B, 2], %i: i32[3, B, 2] = topk(x: %z, k: 2)
      output v = %v
      output i = %i`);
    const x = { ...numbers("f32", 12, 10, 5), shape: [4, 3, 10] };
    const parts = Array.from({ length: 12 }, (_, row) => {
      const from = (row % 4) * 30 + Math.floor(row / 4) * 10 + 3;
      return [...x.data.slice(from, from + 6)].map(Number);
    });
    const [values, indices] = evaluateTopk(hostTensor("f32", [3, 4, 6], parts.flat()), 2);
    const results = runKernels(plan, { inputs: { x }, sizes: new Map([["B", 4]]), kernelOf: write });
    expect([...results["v"]!.data]).toEqual([...values!.data]);
    expect([...results["i"]!.data]).toEqual([...indices!.data]);
  });
});
