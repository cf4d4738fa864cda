import { describe, expect, test } from "vitest";
import { interpret } from "../../../src/ir/interpret.ts";
import { scalarFunctions, type ScalarFunction } from "../../../src/ops/scalar.ts";
import { hostTensor } from "../../../src/tensor/host.ts";
import { graphOf } from "../../plan/graphs.ts";
import { executionDevice } from "../../webgpu/device.ts";
import { runOnEachCpu } from "../cpu.ts";
import { runOn } from "./module.ts";

const device = await executionDevice();

/** What a comparison could get wrong; every pair of them is tried. */
const odd = [NaN, Infinity, -Infinity, 0, -0, 1.5, -2, 20];
const pairs = odd.flatMap((x) => odd.map((z) => ({ x, z })));
const count = pairs.length;
const side = odd.length;

const inputs = {
  x: hostTensor(
    "f32",
    [count],
    pairs.map(({ x }) => x),
  ),
  z: hostTensor(
    "f32",
    [count],
    pairs.map(({ z }) => z),
  ),
  // A NaN in each row.
  eye: hostTensor(
    "f32",
    [side, side],
    pairs.map((_, i) => (i % (side + 1) === 0 ? NaN : i % 5)),
  ),
};

const rows = (name: string): string =>
  `%rows: f32[${side}, ${side}] = reshape(x: %${name}, shape: [${side}, ${side}])`;

function scalarLines(op: string, { arity, result }: ScalarFunction): string[] {
  const out = `%y: ${result === "bool" ? "bool" : "f32"}[${count}]`;
  if (arity === 1) return [`${out} = ${op}(%x)`];
  return [
    `${out} = ${op}(%x, %z)`,
    `${out} = ${op}(%x, %x)`,
    `%c: f32[] = full(dtype: f32, shape: [], value: 0)\n ${out} = ${op}(%x, %c)`,
    `${out} = elementwise(inputs: [%x, %z], program: { mul(i0, 0.5); ${op}(t0, i1) })`,
  ];
}

const logical = new Set(["not", "and", "or", "where"]);

const cases = [
  ...Object.entries(scalarFunctions)
    .filter(([op]) => !logical.has(op))
    .flatMap(([op, scalar]) => scalarLines(op, scalar)),
  `%c: bool[${count}] = lt(%x, %z)\n %y: f32[${count}] = where(condition: %c, x: %x, y: %z)`,
  ...["reduce_max", "reduce_min", "reduce_sum", "reduce_mean"].flatMap((op) => [
    `${rows("z")}\n %y: f32[${side}] = ${op}(x: %rows, axes: [1])`,
    `${rows("x")}\n %y: f32[${side}] = ${op}(x: %rows, axes: [0])`,
    `%y: f32[] = ${op}(x: %x, axes: [0])`,
  ]),
  ...["softmax", "log_softmax"].flatMap((op) => [
    `%y: f32[${side}, ${side}] = ${op}(x: %eye)`,
    `${rows("x")}\n %y: f32[${side}, ${side}] = ${op}(x: %rows)`,
  ]),
  ...["layer_norm", "rms_norm", "l2_norm"].map(
    (op) => `%y: f32[${side}, ${side}] = ${op}(x: %eye, eps: 1e-5)`,
  ),
  `%y: f32[${count}] = cumsum(x: %z, axis: 0)`,
  `${rows("z")}\n %y: f32[${side}, 3], %i: i32[${side}, 3] = topk(x: %rows, k: 3)`,
  `${rows("z")}\n %v: f32[${side}, 3], %y: i32[${side}, 3] = topk(x: %rows, k: 3)`,
  // More than 8 are sorted.
  `%all: f32[1, ${count}] = reshape(x: %x, shape: [1, ${count}])\n %y: f32[1, 50], %i: i32[1, 50] = topk(x: %all, k: 50)`,
  `%all: f32[1, ${count}] = reshape(x: %x, shape: [1, ${count}])\n %v: f32[1, 50], %y: i32[1, 50] = topk(x: %all, k: 50)`,
  `%p: f32[1, 1, ${side}, ${side}] = reshape(x: %z, shape: [1, 1, ${side}, ${side}])
   %y: f32[1, 1, 4, 4] = max_pool2d(x: %p, kernel: [2, 2], stride: [2, 2])`,
  ...["i32", "bool", "f16", "bf16"].map(
    (dtype) =>
      `%c: ${dtype}[${count}] = cast(x: %x, dtype: ${dtype})\n %y: f32[${count}] = cast(x: %c, dtype: f32)`,
  ),
  `%t: i32[${side}] = iota(size: ${side})\n %y: f32[] = cross_entropy(logits: %eye, targets: %t)`,
];

const declarations = `input %x: f32[${count}]
  input %z: f32[${count}]
  input %eye: f32[${side}, ${side}]`;

/** Of numbers: float32, and functions of WGSL that are right to some units in the last place. */
const TOLERANCE = 1e-5;

const isSame = (a: number, b: number): boolean =>
  a === b || (Number.isNaN(a) && Number.isNaN(b)) || Math.abs(a - b) <= TOLERANCE * Math.abs(a);

describe("NaN and infinities are the same everywhere", () => {
  test.each(cases)("%s", async (lines) => {
    const graph = graphOf(`${declarations}\n ${lines}\n output y = %y`);
    const bindings = { inputs, parameters: {} };
    const numbersOf = (outputs: Readonly<Record<string, { readonly data: ArrayLike<number> }>>): number[] =>
      Array.from(outputs["y"]!.data, Number);
    const expected = numbersOf(interpret(graph, bindings));
    for (const found of [
      ...(await runOnEachCpu(graph, bindings)),
      ...(device === undefined ? [] : [await runOn(device, graph, bindings)]),
    ]) {
      const numbers = numbersOf(found);
      const wrong = expected.findIndex((wanted, i) => !isSame(wanted, numbers[i]!));
      expect(
        wrong < 0 ? undefined : `at ${wrong}: ${numbers[wrong]!} instead of ${expected[wrong]!}`,
      ).toBeUndefined();
    }
  });
});

test("whole numbers beyond i32 wrap around in casts, as JavaScript has it", async () => {
  const graph = graphOf("input %x: f32[6]\n %y: i32[6] = cast(x: %x, dtype: i32)\n output y = %y");
  const numbers = [2147483648, -2147483648, 4294967296 + 512, -3e9, 1e20, 2.9].map(Math.fround);
  const bindings = { inputs: { x: hostTensor("f32", [6], numbers) }, parameters: {} };
  const expected = numbers.map((x) => x | 0);
  expect([...(interpret(graph, bindings)["y"]!.data as Int32Array)]).toEqual(expected);
  for (const { y } of await runOnEachCpu(graph, bindings)) expect(Array.from(y!.data)).toEqual(expected);
  if (device !== undefined)
    expect([...Array.from((await runOn(device, graph, bindings))["y"]!.data)]).toEqual(expected);
});
