import { describe, expect, test } from "vitest";
import { machines } from "../../../src/emit/wasm/machine.ts";
import { wasmTarget } from "../../../src/emit/wasm/target.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { planGraph } from "../../../src/plan/build.ts";
import type { HostTensor } from "../../../src/tensor/host.ts";
import { opCases } from "../../ops/cases/all.ts";
import { expectAllNear, FLOAT32, graphOfCase } from "../op-graphs.ts";
import { expectProduct, givenOf, runOn } from "./products.ts";

const type = (...shape: readonly (number | string)[]): string => `f32[${shape.join(", ")}]`;

const layouts = ["out_in", "in_out"] as const;
const homes = { parameter: `constant(1) "w"`, input: undefined } as const;

/** x [B, K] by a weight [N, K] or [K, N], with what an epilogue may read: a row, a tensor, a lone number. */
function linear(
  columns: number,
  depth: number,
  layout: (typeof layouts)[number],
  home: keyof typeof homes,
): string {
  const weight = layout === "out_in" ? type(columns, depth) : type(depth, columns);
  const init = homes[home];
  const operands = "x: %x, weight: %w, extras: [%row, %full, %lone]";
  const epilogue = "{ add(i0, i1); mul(t0, i3); add(t1, i2) }";
  return `
    dim B
    input %x: ${type("B", depth)}
    input %full: ${type("B", columns)}
    input %row: ${type(columns)}
    input %lone: f32[1]
    ${home} %w: ${weight}${init === undefined ? "" : ` = ${init}`}
    %y: ${type("B", columns)} = linear_epilogue(${operands}, layout: ${layout}, epilogue: ${epilogue})
    output y = %y`;
}

describe.each(Object.entries(machines))("on a %s machine", (_, machine) => {
  const sizes = [
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((rows) => [rows, 17, 5] as const),
    [1, 1, 1],
    [1, 16, 3],
    // A lone row goes through the columns of many tiles together, where they lie side by side.
    [1, 1099, 38],
    [2, 7, 769],
    [3, 50, 16],
    [9, 33, 2000],
    [130, 16, 5],
    [300, 40, 7],
    // Of the last panel 8 columns are there: tiles of four rows.
    [7, 32, 19],
    [134, 56, 5],
  ] as const;
  test.each(sizes)("x [%d, K] by a weight [%d, %d]", (rows, columns, depth) => {
    for (const layout of layouts)
      for (const home of ["parameter", "input"] as const) {
        const given = givenOf(linear(columns, depth, layout, home), { B: rows });
        expectProduct(machine, given, depth + 3);
      }
  });

  test.each([
    [[], [], [], [1, 1, 1]],
    [[2], [2], [2], [5, 17, 3]],
    [[3, 2], [2], [3, 2], [4, 16, 33]],
    [[2], [3, 1], [3, 2], [2, 50, 5]],
    [[3], [], [3], [150, 5, 19]],
  ] as const)("pairs of %j and %j matrices", (ofA, ofB, ofY, [rows, columns, depth]) => {
    for (const transposed of [false, true])
      for (const isKnown of [false, true]) {
        const [M, N, K] = isKnown ? [rows, columns, depth] : ["M", "N", "K"];
        const text = `
          ${isKnown ? "" : "dim M\n dim N\n dim K"}
          input %a: ${type(...ofA, M, K)}
          input %b: ${transposed ? type(...ofB, N, K) : type(...ofB, K, N)}
          %y: ${type(...ofY, M, N)} = matmul(%a, %b, transpose_b: ${transposed})
          output y = %y`;
        expectProduct(machine, givenOf(text, isKnown ? {} : { M: rows, N: columns, K: depth }), depth);
      }
  });

  test.each([
    [1, 1, 1],
    [2, 16, 7],
    [7, 50, 17],
    [33, 5, 64],
    [300, 130, 20],
    [513, 10, 33],
    [300, 10, 32],
  ] as const)("the gradient of a weight over %d rows, %d × %d", (rows, outer, inner) => {
    for (const layout of layouts) {
      const weight = layout === "out_in" ? type(outer, inner) : type(inner, outer);
      const text = `
        dim B
        input %g: ${type("B", outer)}
        input %x: ${type("B", inner)}
        %y: ${weight} = linear_weight_grad(grad: %g, x: %x, layout: ${layout})
        output y = %y`;
      expectProduct(machine, givenOf(text, { B: rows }), rows);
    }
  });

  test("a result takes the place of what its epilogue adds, and rows are read where they lie among others", () => {
    for (const [columns, program] of [
      [48, "{ add(i0, i1) }"],
      [50, "{ square(i0); add(t0, i1) }"],
      [50, "{ exp(i0); mul(t0, 0.5); add(t1, i1) }"],
      [56, "{ add(i0, i1) }"],
      [56, "{ exp(i0); mul(t0, 0.5); add(t1, i1) }"],
      [40, "{ exp(i0); mul(t0, 0.5); add(t1, i1) }"],
    ] as const) {
      const text = `
        dim B
        input %wide: f32[B, 40]
        input %y: f32[B, ${columns}]
        parameter %w: f32[${columns}, 19] = constant(1) "w"
        %x: f32[B, 19] = slice(%wide, axis: 1, start: 7, size: 19)
        %r: f32[B, ${columns}] = relu(%y)
        %sum: f32[B, ${columns}] = linear_epilogue(x: %x, weight: %w, extras: [%r], epilogue: ${program})
        %out: f32[B, ${columns}] = neg(%sum)
        output out = %out`;
      // Also more rows than go through a panel at a time.
      const given = givenOf(text, { B: columns === 50 ? 133 : 5 });
      const { steps, buffers } = planGraph(given.graph, { target: wasmTarget });
      const at = steps.findIndex(({ op }) => op === "linear_epilogue");
      const homes = [steps[at]!, steps[at - 1]!].map(({ results }) => buffers[results[0]!.buffer]!.home);
      expect(homes[0]).toEqual(homes[1]);
      const { inputs, parameters } = given;
      const wanted = interpret(given.graph, { inputs, parameters })["out"]!.data;
      // e^x and squares are of sums of 19 numbers below 1.
      expectAllNear(runOn(machine, given)["out"]!.data, Array.from(wanted, Number), 19 * FLOAT32);
    }
  });

  test("NaN and infinities reach their row or column and no other; what cancels leaves a small error", () => {
    const given = givenOf(linear(50, 40, "out_in", "input"), { B: 5 });
    const { x, w } = given.inputs as Record<"x" | "w", HostTensor>;
    const [data, weight] = [x, w].map((tensor) => Float64Array.from(tensor.data as Float64Array));
    data![1 * 40 + 39] = NaN;
    data![2 * 40] = Infinity;
    weight![49 * 40 + 7] = -Infinity;
    for (let i = 0; i < 40; i++) data![4 * 40 + i] = i % 2 === 0 ? 1e6 : -1e6;
    const odd = { ...given.inputs, x: { ...x, data: data! }, w: { ...w, data: weight! } };
    const found = runOn(machine, { ...given, inputs: odd })["y"]!.data;
    const wanted = interpret(given.graph, { inputs: odd, parameters: {} })["y"]!.data;
    found.forEach((value, i) => {
      const expected = Number(wanted[i]);
      if (Number.isFinite(expected)) expect(Math.abs(value - expected)).toBeLessThan(2 ** -24 * 43 * 40e6);
      else expect(value).toBe(expected);
    });
  });

  const ops = ["matmul", "linear", "linear_epilogue", "linear_weight_grad"] as const;
  describe.each(ops)("what %s is", (op) => {
    test.each(opCases[op].map((each) => [each.about, each] as const))("%s", (_, each) => {
      const { graph, tensors } = graphOfCase(op, each.operands, each.attrs ?? {});
      const results = runOn(machine, { graph, inputs: tensors, parameters: {}, sizes: {} });
      each.expected.forEach((expected, index) => {
        const tolerance = Math.max(each.tolerance ?? 0, FLOAT32);
        expectAllNear(results[`y${index}`]!.data, Array.from(expected.data, Number), tolerance);
      });
    });
  });
});
