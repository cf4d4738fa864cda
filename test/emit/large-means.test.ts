import { describe, expect, test } from "vitest";
import { interpret } from "../../src/ir/interpret.ts";
import { RandomStream } from "../../src/tensor/random.ts";
import { hostTensor, type HostTensor } from "../../src/tensor/host.ts";
import { graphOf } from "../plan/graphs.ts";
import { cpuTargets, runOnCpu } from "./cpu.ts";

const ROWS = 7;

/** What float32 holds of rows of normal numbers about a mean; `change` makes another element of one. */
function rowsOf(
  [rows, width]: readonly [number, number],
  { mean, spread, seed }: { readonly mean: number; readonly spread: number; readonly seed: number },
  change: (x: number, row: number, column: number) => number = (x) => x,
): HostTensor {
  const stream = new RandomStream(seed, "rows");
  const data = Float64Array.from({ length: rows * width }, (_, i) =>
    Math.fround(change(mean + spread * stream.normal(), Math.floor(i / width), i % width)),
  );
  return hostTensor("f32", [rows, width], data);
}

/** How far outputs are from float64's of the same numbers, at most, relative to the largest element of each. */
async function errorOf(
  cpu: (typeof cpuTargets)[number],
  lines: string,
  inputs: Readonly<Record<string, HostTensor>>,
): Promise<number> {
  const graph = graphOf(lines);
  const expected = interpret(graph, { inputs, parameters: {} });
  const found = await runOnCpu(cpu, graph, { inputs, parameters: {} });
  const errors = Object.entries(expected).map(([name, { data }]) => {
    const size = Math.max(...Array.from(data, Math.abs));
    return Math.max(...Array.from(data, (wanted, i) => Math.abs(found[name]!.data[i]! - wanted))) / size;
  });
  return Math.max(...errors);
}

/** Normed elements are sums of a few products: some units of 2^-24, and what the sums of a row are off by. */
const NORMED = 2e-6;

const type = (width: number): string => `f32[${ROWS}, ${width}]`;
const ofRows: Readonly<Record<string, (width: number) => string>> = {
  layer_norm: (width) => `
    input %x: ${type(width)}
    %y: ${type(width)} = layer_norm(x: %x, eps: 1e-12)
    output y = %y`,
  add_norm: (width) => `
    input %x: ${type(width)}
    input %g: ${type(width)}
    %y = add_norm(source: %x, branches: [%g], norm: layer, eps: 1e-12, affines: [none], keep_sum: false)
    output y = %y`,
  "add_norm, its sum kept": (width) => `
    input %x: ${type(width)}
    input %g: ${type(width)}
    %y, %s = add_norm(source: %x, branches: [%g], norm: layer, eps: 1e-12, affines: [none], keep_sum: true)
    output y = %y
    output s = %s`,
  "add_norm, its branch normed": (width) => `
    input %g: ${type(width)}
    input %x: ${type(width)}
    %y = add_norm(source: %g, branches: [%x], inner: layer, inner_eps: 1e-12, norm: none, affines: [], keep_sum: true)
    output y = %y`,
  norm_grad: (width) => `
    input %x: ${type(width)}
    input %g: ${type(width)}
    %y = norm_grad(grad: %g, x: %x, norm: layer, eps: 1e-12)
    output y = %y`,
};

const widths = [2, 3, 8, 31, 64, 100, 384, 768, 1000, 4096];
/** Means, and spreads of which float32 holds some bits beside them. */
const means = [
  [1000, 1],
  [-1000, 0.01],
  [1e6, 100],
  [1e6, 1],
  [16, 1e-4],
] as const;

describe.each(cpuTargets)("$name", (cpu) => {
  test.each(Object.keys(ofRows))("%s of rows with large means is float64's", async (name) => {
    // Of the gradient of two or three numbers rounding is all that is left.
    for (const width of widths.filter((each) => each > 3 || name !== "norm_grad"))
      for (const [mean, spread] of means) {
        const x = rowsOf([ROWS, width], { mean, spread, seed: width });
        const g = name === "norm_grad" ? rowsOf([ROWS, width], { mean: 0, spread: 1, seed: 5 }) : zeros(x);
        const inputs = name === "layer_norm" ? { x } : { x, g };
        const error = await errorOf(cpu, ofRows[name]!(width), inputs);
        expect(error, `${name}, width ${width}, mean ${mean}, spread ${spread}`).toBeLessThan(NORMED);
      }
  });

  test("a row of one large number has no spread", async () => {
    for (const value of [1000.1, -3.3e7, 7e12, 1e-30])
      for (const width of [1, 5, 64, 768]) {
        const x = hostTensor("f32", [ROWS, width], new Float64Array(ROWS * width).fill(Math.fround(value)));
        const { y } = await runOnCpu(cpu, graphOf(ofRows["layer_norm"]!(width)), {
          inputs: { x },
          parameters: {},
        });
        expect(Array.from(y!.data, Math.abs)).toEqual(new Array<number>(ROWS * width).fill(0));
      }
  });

  // Statistics are taken about a row's first element: up to three standard deviations from the mean in one pass, beyond in two. The
  // variance is off by ten times what a sum of squares is (4e-6, loops/README.md), a normed element by half of that.
  test("a first element far from the others moves nothing by more than the bound", async () => {
    const bound = (10 * 4e-6) / 2;
    let largest = 0;
    for (const width of [16, 64, 384, 768, 4096])
      for (const off of [0, 1, 2, 2.9, 3.1, 4, 10, 100, 1e4])
        for (const mean of [0, 1000]) {
          const x = rowsOf([ROWS, width], { mean, spread: 1, seed: width }, (element, _, column) =>
            column === 0 ? mean + off : element,
          );
          largest = Math.max(largest, await errorOf(cpu, ofRows["layer_norm"]!(width), { x }));
        }
    expect(largest).toBeLessThan(bound);
    // As a rule it is far less: errors of sums have either sign.
    expect(largest).toBeLessThan(NORMED);
  });

  test("channels with large means are normed as float64's", async () => {
    for (const [mean, spread] of means)
      for (const rows of [40, 700]) {
        const lines = `
          input %x: f32[${rows}, 6]
          input %v: f32[6]
          %mean, %variance, %m, %n = batch_statistics(x: %x, running_mean: %v, running_variance: %v, axis: 1)
          %y: f32[${rows}, 6] = batch_norm(x: %x, mean: %mean, variance: %variance, axis: 1, eps: 1e-12)
          output mean = %mean
          output variance = %variance
          output y = %y`;
        const x = rowsOf([rows, 6], { mean, spread, seed: rows });
        const v = hostTensor("f32", [6], new Float64Array(6).fill(1));
        const graph = graphOf(lines);
        const expected = interpret(graph, { inputs: { x, v }, parameters: {} });
        const found = await runOnCpu(cpu, graph, { inputs: { x, v }, parameters: {} });
        const off = (name: string, allowed: (wanted: number) => number): void =>
          expected[name]!.data.forEach((wanted, i) => {
            expect(Math.abs(found[name]!.data[i]! - wanted)).toBeLessThanOrEqual(allowed(wanted));
          });
        off("mean", (wanted) => 2 ** -24 * 1.01 * 2 ** Math.ceil(Math.log2(Math.abs(wanted))));
        off("variance", (wanted) => NORMED * wanted);
        // The mean is a float: elements are off by its rounding.
        off("y", (wanted) => NORMED * Math.abs(wanted) + (2 ** -23 * Math.abs(mean)) / spread + NORMED);
      }
  });
});

const zeros = ({ shape }: HostTensor): HostTensor =>
  hostTensor("f32", shape, new Float64Array(shape.reduce((product, size) => product * size, 1)));
