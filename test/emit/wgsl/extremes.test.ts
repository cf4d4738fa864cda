import { describe, expect, test } from "vitest";
import { compile } from "../../../src/compile.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import type { ScalarName } from "../../../src/ops/scalar.ts";
import { showDiagnostic } from "../../../src/support/diagnostic.ts";
import type { Dtype } from "../../../src/tensor/dtype.ts";
import { hostTensor } from "../../../src/tensor/host.ts";
import { executionDevice } from "../../webgpu/device.ts";
import { graphOf } from "../../plan/graphs.ts";
import { runOnEachCpu, runOnCpu, cpuTargets } from "../cpu.ts";
import { GraphBuilder, of } from "./graphs.ts";
import { runOn } from "./module.ts";

const device = await executionDevice();

/** 2^-20: a few of f32's last bits, and e^x of a device. Relative, so that small results count as much as large ones. */
const TOLERANCE = 2 ** -20;

/** f(x, y) of each pair, by the interpreter; the emitted module and the device must give the same. */
async function valuesOf(
  op: ScalarName,
  dtype: Dtype,
  columns: readonly (readonly number[])[],
): Promise<readonly number[]> {
  const builder = new GraphBuilder();
  const size = columns[0]!.length;
  const [x, y] = columns.map((_, index) => builder.input(of(dtype, size), "xy"[index]));
  const operands = y === undefined ? { x: x! } : { x: x!, y };
  const graph = builder.graph(builder.node(op, operands, {}));
  const inputs = Object.fromEntries(
    columns.map((column, index) => ["xy"[index]!, hostTensor(dtype, [size], column.map(Math.fround))]),
  );
  const expected = [...interpret(graph, { inputs, parameters: {} })["out0"]!.data].map(Number);
  const found: [string, ArrayLike<number>][] = [];
  for (const cpu of cpuTargets)
    found.push([cpu.name, (await runOnCpu(cpu, graph, { inputs, parameters: {} }))["out0"]!.data]);
  if (device !== undefined)
    found.push(["WGSL", (await runOn(device, graph, { inputs, parameters: {} }))["out0"]!.data]);
  for (const [target, data] of found)
    for (const [i, wanted] of expected.entries()) {
      const [is, args] = [data[i]!, columns.map((column) => column[i]).join(", ")];
      const isNear = is === wanted || Math.abs(is - wanted) <= TOLERANCE * Math.abs(wanted);
      if (!isNear && !(Number.isNaN(is) && Number.isNaN(wanted)))
        expect.fail(`${op}(${args}) is ${is} in ${target}, the interpreter has ${wanted}`);
    }
  return expected;
}

/** All pairs of two lists, as two columns. */
const pairs = (left: readonly number[], right: readonly number[]): readonly (readonly number[])[] => [
  left.flatMap((x) => right.map(() => x)),
  left.flatMap(() => right),
];

describe("functions at their edges are the same on all targets", () => {
  test.each<readonly [ScalarName, readonly number[]]>([
    ["softplus", [-80, -20, -16, -10, -7, -2.3, -2.31, -1, 0, 1, 20, 1e30]],
    ["tanh", [0, 1e-30, 1e-7, -1e-4, 0.01, 0.62, 0.63, -0.9, 5, -20, 1e30]],
    ["log", [0, -1e-20, -1, -1e30, 1e-30, 1, 1e30]],
    ["silu", [-80, -20, -1e-4, 1e-4, 30, 1e30]],
    ["sigmoid", [-80, -20, 0, 20, 100, 1e30]],
    ["erf", [1e-30, 1e-7, 0.49, 0.51, -2, 6, 1e30]],
    ["gelu", [-5, -3, -1e-4, 1e-30, 6, 1e30]],
  ])("%s", async (op, xs) => {
    await valuesOf(op, "f32", [xs]);
  });

  test("a power of a negative base is real for whole exponents, else it is none", async () => {
    const [bases, exponents] = [
      [-2, -1, 0, 0.5, 3],
      [-3, -0.5, 0, 0.5, 1, 2, 3],
    ];
    const expected = await valuesOf("pow", "f32", pairs(bases, exponents));
    // C99's pow, F.10.4.4.
    expect(expected.slice(0, 7)).toEqual([-0.125, NaN, 1, NaN, -2, 4, -8]);
    expect(expected.slice(14, 21)).toEqual([Infinity, Infinity, 1, 0, 0, 0, 0]);
  });

  test("a power of whole numbers is whole", async () => {
    const expected = await valuesOf("pow", "i32", pairs([-3, -1, 0, 1, 2, 7], [-3, -2, 0, 1, 5, 11]));
    // 7^11 = 1,977,326,743 has more digits than f32.
    expect(expected.slice(-6)).toEqual([0, 0, 1, 7, 16807, 1977326743]);
  });

  test("remainders have the sign of the divisor, also by tiny, huge and infinite ones", async () => {
    const numbers = [5, -5, 7.5, -7.5, 1e-20, -1e-20, 0, 6, 1e4];
    const expected = await valuesOf(
      "mod",
      "f32",
      pairs(numbers, [3, -3, 2.5, 0.75, 1e30, Infinity, -Infinity]),
    );
    // As Python's 5.0 % 3.0, 5.0 % -3.0, 5.0 % 2.5, 5.0 % 0.75, 5.0 % 1e30, 5.0 % inf, 5.0 % -inf.
    expect(expected.slice(0, 7)).toEqual([2, -1, 0, 0.5, 5, 5, -Infinity]);
  });

  test("remainders of whole numbers do not overflow", async () => {
    // The numbers that f32 has too, as `valuesOf` rounds what it is given.
    const numbers = [1, -1, 2, -2, 7, -7, 2147483520, -2147483520];
    await valuesOf("mod", "i32", pairs(numbers, numbers));
    const remainders = await valuesOf("mod", "i32", pairs([1, 2147483520], [2147483520, 16777216]));
    expect(remainders).toEqual([1, 1, 0, 16777088]);
  });

  test.skipIf(device === undefined)("sines of angles that are too large for f32 stay sines", async () => {
    const builder = new GraphBuilder();
    const x = builder.input(of("f32", 4), "x");
    const graph = builder.graph([builder.node("sin", { x }, {})[0]!, builder.node("cos", { x }, {})[0]!]);
    const inputs = { x: hostTensor("f32", [4], [1e7, 1e10, -1e20, 3e38]) };
    const { out0, out1 } = await runOn(device!, graph, { inputs, parameters: {} });
    for (const value of [...Array.from(out0!.data), ...Array.from(out1!.data)])
      expect(Math.abs(value)).toBeLessThanOrEqual(1);
  });
});

test("what is divided by one number for all elements is exact before a floor", async () => {
  const builder = new GraphBuilder();
  const [x, by] = [builder.input(of("f32", 3), "x"), builder.input(of("f32", 1), "by")];
  const program = {
    steps: [
      {
        op: "div" as const,
        args: [
          { kind: "input" as const, index: 0 },
          { kind: "input" as const, index: 1 },
        ],
      },
      { op: "floor" as const, args: [{ kind: "step" as const, index: 0 }] },
    ],
  };
  const graph = builder.graph(builder.node("elementwise", { inputs: [x, by] }, { program }));
  const inputs = { x: hostTensor("f32", [3], [49, 98, 48]), by: hostTensor("f32", [1], [49]) };
  for (const { out0 } of await runOnEachCpu(graph, { inputs, parameters: {} }))
    expect(Array.from(out0!.data)).toEqual([1, 2, 0]);
});

/** What all targets make of a graph without parameters but `w`, 0, 1, 2, …, and an input x of one 0. */
async function allTargets(text: string, sizes: readonly number[]): Promise<void> {
  const graph = graphOf(text);
  const w = hostTensor("f32", [4, 3], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  const count = sizes.reduce((a, b) => a * b, 1);
  const bindings = {
    inputs: { x: hostTensor("f32", sizes, new Array<number>(count).fill(0)) },
    parameters: { w },
  };
  const expected = interpret(graph, bindings);
  const found = [...(await runOnEachCpu(graph, bindings))];
  if (device !== undefined) found.push(await runOn(device, graph, bindings));
  for (const outputs of found)
    for (const [name, { shape, data }] of Object.entries(expected)) {
      expect(outputs[name]!.shape).toEqual(shape);
      expect([...Array.from(outputs[name]!.data)]).toEqual([...data]);
    }
}

test("weights wait for a run if it says where they are read, or how often", async () => {
  await allTargets(
    `
      dim B
      input %x: f32[B, 3]
      parameter %w: f32[4, 3] = normal(0, 1) "w"
      %row: f32[1, 3] = slice(%w, axis: 0, start: B, size: 1)
      %y: f32[1, 3] = square(%row)
      %many: f32[B, 4, 3] = broadcast(%w, shape: [B, 4, 3])
      %sum: f32[4, 3] = reduce_sum(%many, axes: [0])
      %twice: f32[B, 8, 3] = concat([%many, %many], axis: 1)
      output x = %x
      output y = %y
      output sum = %sum
      output twice = %twice`,
    [3, 3],
  );
});

test.each([0, 1])("tensors that are known to be empty along axis %i", async (axis) => {
  const [rows, columns] = axis === 0 ? [0, 3] : [2, 0];
  await allTargets(
    `
      dim B
      input %x: f32[B, 2, 3]
      parameter %w: f32[4, 3] = normal(0, 1) "w"
      %none: f32[B, ${rows}, ${columns}] = slice(%x, axis: ${axis + 1}, start: 1, size: 0)
      %turned: f32[${columns}, B, ${rows}] = permute(%none, axes: [2, 0, 1])
      %each: f32[${columns}, B, ${rows}] = exp(%turned)
      %flat: f32[0] = reshape(%turned, shape: [0])
      %rows: f32[B, ${rows}, ${columns}] = softmax(%none)
      %sum: f32[B] = reduce_sum(%none, axes: [1, 2])
      %joined: f32[B, 2, 3] = concat([%none, %x], axis: ${axis + 1})
      output each = %each
      output flat = %flat
      output rows = %rows
      output sum = %sum
      output joined = %joined`,
    [2, 2, 3],
  );
});

test.each([
  "ids == 0",
  "mask and ids != 0",
  "not mask or ids > 4",
  "not (mask and ids == 2)",
  "mask == (ids > 2)",
  "mask != (x > 0.5)",
  "ids <= 2.5 or x >= ids",
  "(ids - 4) % 3",
  "(ids - 4) % -3 + mask",
  "(x - 1) % 0.25",
  "ids ^ 3 - ids",
  // Beyond what i32 has.
  "ids < 3000000000 and ids > -3e9",
  "(mask, ids, ids % 2 == 0) -> where",
])("shaders have the operators of tensors: %s", async (chain) => {
  const { graph, diagnostics } = compile({
    name: "m.lmg",
    text: `model m {
      input ids: i32[B, T]
      input mask: bool[B, 1]
      input x: f32[T]
      ${chain}
      output y
    }`,
  });
  if (graph === undefined) throw new Error(diagnostics.map((each) => showDiagnostic(each)).join("\n"));
  const inputs = {
    ids: hostTensor("i32", [2, 3], [3, 0, -5, 0, 2, 7]),
    mask: hostTensor("bool", [2, 1], [1, 0]),
    x: hostTensor("f32", [3], [0.75, -1.5, 3.25]),
  };
  const expected = [...interpret(graph, { inputs, parameters: {} })["y"]!.data].map(Number);
  for (const { y } of await runOnEachCpu(graph, { inputs, parameters: {} }))
    expect(Array.from(y!.data)).toEqual(expected);
  if (device === undefined) return;
  expect([...Array.from((await runOn(device, graph, { inputs, parameters: {} }))["y"]!.data)]).toEqual(
    expected,
  );
});
