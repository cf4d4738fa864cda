import { describe, expect, test } from "vitest";
import { randomInputs, randomParameters } from "../../../src/ir/initialize.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { runPasses } from "../../../src/passes/pipeline.ts";
import { planGraph } from "../../../src/plan/build.ts";
import { stagesOf } from "../../../src/emit/wasm/lists.ts";
import { shareLoops } from "../../../src/plan/loops.ts";
import { roundTo } from "../../../src/tensor/dtype.ts";
import type { HostTensor } from "../../../src/tensor/host.ts";
import { graphOf } from "../../plan/graphs.ts";
import { rounded } from "../compare.ts";
import { expectAllNear } from "../op-graphs.ts";
import { Refused } from "./harness.ts";
import { runOnAll, type Given } from "./loops.ts";

/** Sums of some hundred numbers are float32, in 4 or 16 parts of some tens that are off by units of 2^-20. */
const ROWS = 1e-5;
/** What a sum in float64 of sums of 64 numbers in float32 is off by, relative to its size: half a unit for each of these. */
const LONG = 2e-6;

const floats = (shape: readonly number[], data: Float32Array): HostTensor => ({
  dtype: "f32",
  shape: [...shape],
  data: Float64Array.from(data),
});

/** All outputs of a graph are what the interpreter says, for random inputs. */
function expectAsInterpreted(
  lines: string,
  {
    sizes = {},
    inputs = {},
    shares = false,
    tolerance = ROWS,
  }: { sizes?: Record<string, number>; inputs?: Given["inputs"]; shares?: boolean; tolerance?: number } = {},
): void {
  const graph = shares ? runPasses(graphOf(lines)) : graphOf(lines);
  const given = { ...rounded(randomInputs(graph, sizes, 3)), ...inputs };
  const parameters = rounded(randomParameters(graph, 4));
  const expected = interpret(graph, { inputs: given, parameters });
  const plan = planGraph(graph);
  const stages = shares ? stagesOf(plan) : plan.steps;
  if (shares) expect(stages.length).toBeLessThan(plan.steps.length);
  const symbols = new Map(Object.entries(sizes));
  runOnAll(plan, { inputs: given, parameters, sizes: symbols, stages }, (found) => {
    for (const [name, { data }] of Object.entries(expected))
      expectAllNear(found[name]!.data, data, tolerance);
  });
}

const widths = [1, 3, 4, 15, 17, 63, 96];
/** Kernels of rows; W is their width. */
const ofRows = {
  layer_norm: `%y = layer_norm(x: %x, weight: %v, bias: %v, eps: 1e-3)`,
  rms_norm: `%y = rms_norm(x: %x, weight: %v, eps: 1e-3)`,
  add_norm: `%y, %s = add_norm(source: %x, branches: [%g], weights: [%v], norm: layer, eps: 1e-3, affines: [weight])\n output s = %s`,
  norm_grad: `%y, %a, %b = norm_grad(grad: %g, x: %x, weight: %v, norm: layer, eps: 1e-3, bias: true)\n output a = %a\n output b = %b`,
  batch_statistics: `%y, %s, %n, %o = batch_statistics(x: %x, running_mean: %v, running_variance: %v, axis: 2)\n output s = %s\n output n = %n\n output o = %o`,
  batch_norm_grad: `%y, %m, %s, %a, %b = batch_norm_grad(grad: %g, x: %x, mean: %v, variance: %v, weight: %v, axis: 2, eps: 2)\n output m = %m\n output s = %s\n output a = %a\n output b = %b`,
  batch_statistics_grad: `%y = batch_statistics_grad(x: %x, mean: %v, grad_mean: %v, grad_variance: %v, axis: 2)`,
  softmax: `%y = softmax(x: %x, axis: 2)`,
  "softmax down": `%y = softmax(x: %x, axis: 1)`,
  log_softmax: `%y = log_softmax(x: %x, axis: 2)`,
  cumsum: `%y = cumsum(x: %x, axis: 2)`,
  "sum over the batch": `%y = reduce_sum(x: %x, axes: [0])`,
  "sum over rows": `%y = reduce_sum(x: %x, axes: [2])`,
  "sum over all": `%y = reduce_sum(x: %x, axes: [0, 1, 2])`,
  "transposed sum": `%t = permute(x: %x, axes: [2, 0, 1])\n %y = elementwise(inputs: [%t], program: { exp(i0); add(t0, 1) })`,
};

describe.each(Object.entries(ofRows))("%s of rows", (_, lines) => {
  test.each(widths)("%d wide", (width) => {
    const type = `f32[B, 3, ${width}]`;
    const body = `dim B\n input %x: ${type}\n input %g: ${type}\n parameter %v: f32[${width}] = uniform(-1, 1) "v"\n ${lines}\n output y = %y`;
    for (const B of [1, 7]) expectAsInterpreted(body, { sizes: { B } });
  });

  test("whose width is known at run time only", () => {
    if (lines.includes("%v")) return;
    const body = `dim B\n dim T\n input %x: f32[B, 3, T]\n ${lines}\n output y = %y`;
    for (const T of [1, 6, 50]) expectAsInterpreted(body, { sizes: { B: 2, T } });
  });
});

test("sums of 300,000 are right to six digits, whichever way they lie", () => {
  const count = 300_007;
  const x = floats([count], new Float32Array(count).fill(0.1));
  const body = `input %x: f32[${count}]\n %q: f32[${count}] = elementwise(inputs: [%x], program: { square(i0); mul(t0, 0.5) })
    %y: f32[] = reduce_sum(x: %q, axes: [0])\n output y = %y`;
  const square = Math.fround(0.1) ** 2 / 2;
  const graph = runPasses(graphOf(body));
  const plan = planGraph(graph);
  runOnAll(plan, { inputs: { x }, stages: stagesOf(plan) }, (found) => {
    const exact = count * square;
    expect(Math.abs(found["y"]!.data[0]! - exact) / exact).toBeLessThan(LONG);
  });
  const down = floats([60_001, 5], new Float32Array(300_005).fill(0.1));
  const columns = graphOf(
    `input %x: f32[60001, 5]\n %y: f32[5] = reduce_sum(x: %x, axes: [0])\n output y = %y`,
  );
  runOnAll(planGraph(columns), { inputs: { x: down } }, (found) => {
    for (const sum of found["y"]!.data)
      expect(Math.abs(sum / (60_001 * Math.fround(0.1)) - 1)).toBeLessThan(LONG);
  });
});

test.each([
  ["that begins further on", "[3, 3001]", "%h: f32[2, 3001] = slice(x: %a, axis: 0, start: 1, size: 2)"],
  ["that all turns read one element of", "[1]", "%h: f32[2, 3001] = broadcast(x: %a, shape: [2, 3001])"],
])("steps that write over a view %s are in loops of their own", (_, shape, view) => {
  const graph = graphOf(
    `input %x: f32${shape}
    %a: f32${shape} = elementwise(inputs: [%x], program: { exp(i0) })
    ${view}
    %p: f32[2, 3001] = elementwise(inputs: [%h], program: { square(i0) })
    %q: f32[2, 3001] = elementwise(inputs: [%p], program: { exp(i0) })
    %s: f32[2, 3001] = softmax(x: %q, axis: 0)
    output p = %p
    output s = %s`,
  );
  const plan = planGraph(graph);
  const [a, q] = ["a", "q"].map((name) => plan.buffers.find((buffer) => buffer.name === name));
  expect(a!.home).toEqual(q!.home);
  expect(shareLoops(plan).length).toBeLessThan(stagesOf(plan).length);
  const inputs = rounded(randomInputs(graph, {}, 3));
  const expected = interpret(graph, { inputs, parameters: {} });
  runOnAll(plan, { inputs, stages: stagesOf(plan) }, (found) => {
    for (const [name, { data }] of Object.entries(expected)) expectAllNear(found[name]!.data, data, ROWS);
  });
});

test("steps that share a loop, and what they add up", () => {
  expectAsInterpreted(
    `input %x: f32[3, 7001]
    input %m: f32[3, 7001]
    input %s: f32[]
    %a: f32[3, 7001] = elementwise(inputs: [%x, %m], program: { mul(i0, 0.1); mul(i1, 0.9); add(t0, t1) })
    %b: f32[3, 7001] = elementwise(inputs: [%a, %s], program: { mul(i0, i1); tanh(t0) })
    %c: f32[3, 7001] = elementwise(inputs: [%b, %x], program: { square(i0); add(t0, i1) })
    %d: f32[] = reduce_sum(x: %c, axes: [0, 1])
    output b = %b
    output d = %d`,
    { shares: true },
  );
});

test("steps that share a loop, and all that they fold of it", () => {
  expectAsInterpreted(
    `input %x: f32[3, 7001]
    input %m: f32[3, 7001]
    %a: f32[3, 7001] = elementwise(inputs: [%x], program: { abs(i0) })
    %l: f32[] = reduce_max(x: %a, axes: [0, 1])
    %s: f32[] = reduce_min(x: %x, axes: [0, 1])
    %b: f32[3, 7001] = elementwise(inputs: [%x, %m], program: { mul(i0, i1) })
    %p: f32[] = reduce_mean(x: %b, axes: [0, 1])
    %c: f32[3, 7001] = elementwise(inputs: [%m], program: { square(i0) })
    %q: f32[1, 1] = reduce_sum(x: %c, axes: [0, 1], keep: true)
    output l = %l
    output s = %s
    output p = %p
    output q = %q
    output a = %a`,
    { shares: true },
  );
});

describe("a NaN, an infinity and a -0 go through", () => {
  const special = [NaN, Infinity, -Infinity, -0, 0, 1, -1, 1e-40];
  /** Rows of seven that each begin with two of them. */
  const x = floats(
    [64, 7],
    Float32Array.from({ length: 448 }, (_, i) =>
      i % 7 === 0 ? special[Math.floor(i / 56)]! : i % 7 === 4 ? special[Math.floor(i / 7) % 8]! : -3,
    ),
  );
  const same = (op: string) => (): void => {
    const graph = graphOf(`input %x: f32[64, 7]\n %y = ${op}\n output y = %y`);
    const expected = interpret(graph, { inputs: { x }, parameters: {} })["y"]!.data;
    runOnAll(planGraph(graph), { inputs: { x } }, ({ y }) =>
      y!.data.forEach((value, at) => {
        const wanted = Math.fround(Number(expected[at]));
        const isNear = Math.abs(value - wanted) <= 1e-6 * Math.abs(wanted);
        if (!isNear && !Object.is(value, wanted))
          expect.fail(`${op}: element ${at} is ${value}, not ${wanted}`);
      }),
    );
  };
  test.each([
    "reduce_max(x: %x, axes: [1])",
    "reduce_min(x: %x, axes: [1])",
    "reduce_max(x: %x, axes: [0])",
    "reduce_min(x: %x, axes: [0])",
    "reduce_sum(x: %x, axes: [1])",
    "softmax(x: %x, axis: 1)",
    "elementwise(inputs: [%x], program: { max(i0, 0); min(t0, 2); neg(t1) })",
    "elementwise(inputs: [%x], program: { le(i0, 0); where(t0, -0, -1e30) })",
  ])("%s", (op) => same(op)());
});

test.each(["f16", "bf16"] as const)("numbers round to %s as they are stored", (dtype) => {
  const exponents = Array.from({ length: 300 }, (_, i) => 2 ** (i - 150));
  const near = [
    1,
    1 + 2 ** -8,
    1 + 2 ** -9,
    1 + 3 * 2 ** -9,
    1 + 2 ** -11,
    1 + 3 * 2 ** -11,
    1 + 2 ** -12,
    1.37,
    1.99999,
  ];
  const values = [
    0,
    NaN,
    Infinity,
    65504,
    65519,
    65520,
    3.39e38,
    3.4e38,
    ...exponents.flatMap((e) => near.map((m) => e * m)),
  ];
  const data = Float32Array.from(values.flatMap((value) => [value, -value]));
  const [graph, x] = [
    graphOf(
      `input %x: f32[${data.length}]\n %h: ${dtype}[${data.length}] = cast(x: %x, dtype: ${dtype})\n output h = %h`,
    ),
    floats([data.length], data),
  ];
  runOnAll(planGraph(graph), { inputs: { x } }, ({ h }) =>
    h!.data.forEach((value, at) => {
      const wanted = roundTo(dtype, data[at]!);
      if (value !== wanted && !(Number.isNaN(value) && Number.isNaN(wanted)))
        expect.fail(`${data[at]} became ${value}, not ${wanted}`);
    }),
  );
});

test("an id that is in no table is refused by every number of threads", () => {
  const graph = graphOf(
    `input %t: f32[5, 8]\n input %i: i32[3]\n %y = embedding(table: %t, ids: %i)\n output y = %y`,
  );
  const inputs = {
    t: floats([5, 8], new Float32Array(40)),
    i: { dtype: "i32", shape: [3], data: Int32Array.of(4, 5, 0) } as const,
  };
  expect(() => runOnAll(planGraph(graph), { inputs }, () => undefined)).toThrow(new Refused([1, 5, 5]));
});
