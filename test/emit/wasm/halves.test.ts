import { describe, expect, test } from "vitest";
import { decodeBf16, decodeF16 } from "../../../src/checkpoint/half.ts";
import { machines } from "../../../src/emit/wasm/machine.ts";
import { wasmTarget } from "../../../src/emit/wasm/target.ts";
import { planGraph } from "../../../src/plan/build.ts";
import { halves, roundTo, type Half } from "../../../src/tensor/dtype.ts";
import { hostTensor } from "../../../src/tensor/host.ts";
import { RandomStream } from "../../../src/tensor/random.ts";
import { graphOf } from "../../plan/graphs.ts";
import { givenOf, runOn, type Given } from "./products.ts";

const decode = { bf16: decodeBf16, f16: decodeF16 } as const;

/** The same graph with its weights as halves, and with what those stand for as floats. */
function bothOf(
  text: string,
  half: Half,
  sizes: Readonly<Record<string, number>> = {},
): readonly [Given, Given] {
  const given = givenOf(text, sizes);
  const parameters = Object.fromEntries(
    Object.entries(given.parameters).map(([name, { dtype, shape, data }]) => [
      name,
      hostTensor(
        dtype,
        shape,
        Array.from(data, (value) => roundTo(half, value)),
      ),
    ]),
  );
  const kept = graphOf(text.replace(/^(\s*parameter .*)$/gm, `$1 kept as ${half}`));
  return [
    { ...given, graph: kept },
    { ...given, parameters },
  ];
}

/** What is kept of the weights of a plan, in the order of its buffers. */
const keptOf = ({ graph }: Given) =>
  planGraph(graph, { target: wasmTarget }).buffers.flatMap(({ half }) => half ?? []);

/** Where two arrays differ first, 0 and -0 apart and NaN like NaN; -1 if nowhere. */
const firstDifference = (found: ArrayLike<number>, wanted: Float32Array): number =>
  found.length === wanted.length
    ? wanted.findIndex((value, index) => !Object.is(value, found[index]))
    : Math.min(found.length, wanted.length);

/** All numbers of a format, rows of 64. */
const everyHalf = (half: Half): Float32Array =>
  decode[half](Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits));

describe.each(Object.entries(machines))("on a %s machine", (_, machine) => {
  describe.each(halves)("%s", (half) => {
    const lookup = (table: string, reader = ""): string => `
      dim T
      input %ids: i32[T]
      parameter %table: ${table} = constant(1) "table"
      ${reader === "" ? "" : "input %x: f32[1, 64]"}
      %y: f32[T, ${table.match(/, (\d+)/)![1]}] = embedding(%table, %ids)
      ${reader}
      output y = %y`;
    const head = `%z: f32[1, 1024] = linear_epilogue(x: %x, weight: %table, epilogue: { neg(i0) })
      output z = %z`;

    test.each([
      ["a table", lookup("f32[1024, 64]")],
      ["a table that a head shares", lookup("f32[1024, 64]", head)],
    ])("every number is what it is, in %s", (_, text) => {
      const [kept] = bothOf(text, half, { T: 1024 });
      expect(keptOf(kept)).toEqual([half]);
      const data = Float64Array.from(everyHalf(half));
      const ids = Int32Array.from({ length: 1024 }, (_, id) => id);
      const inputs = { ...kept.inputs, ids: hostTensor("i32", [1024], ids) };
      const parameters = { table: { dtype: "f32" as const, shape: [1024, 64], data } };
      const found = runOn(machine, { ...kept, inputs, parameters }, [2])["y"]!.data;
      expect(firstDifference(found, everyHalf(half))).toBe(-1);
    });

    test("floats are rounded to the nearest, ties to even", () => {
      const random = new RandomStream(5);
      const near = [1, -1].flatMap((sign) =>
        [0, 2 ** -149, 2 ** -133, 2 ** -126, 2 ** -25, 2 ** -24, 2 ** -14, 1, 65504, 65519.996, 65520, 3.4e38]
          .flatMap((value) => [
            value,
            value * (1 + 2 ** -9),
            value * (1 + 2 ** -8),
            value * (1 + 3 * 2 ** -9),
          ])
          .flatMap((value) => [value, value * (1 + 2 ** -11), value * (1 + 3 * 2 ** -11), value * 1.5])
          .map((value) => sign * value),
      );
      const some = Array.from(
        { length: 6600 },
        () => random.normal() * 2 ** Math.floor(random.uniform() * 60 - 40),
      );
      const values = Float32Array.of(Infinity, -Infinity, NaN, ...near, ...some).slice(0, 97 * 67);
      const text = lookup("f32[97, 67]");
      const [kept] = bothOf(text, half, { T: 97 });
      const inputs = {
        ids: hostTensor(
          "i32",
          [97],
          Int32Array.from({ length: 97 }, (_, id) => id),
        ),
      };
      const table = { dtype: "f32" as const, shape: [97, 67], data: Float64Array.from(values) };
      const found = runOn(machine, { ...kept, inputs, parameters: { table } }, [3])["y"]!.data;
      const wanted = values.map((value) => roundTo(half, value));
      expect(firstDifference(found, wanted)).toBe(-1);
    });

    test.each([96, 1024])(
      "an id that is none of the %d rows is refused, also where memory has room",
      (rows) => {
        for (const shared of [
          "",
          `%z: f32[1, ${rows + 1}] = linear_epilogue(x: %x, weight: %table, epilogue: { neg(i0) })\n output z = %z`,
        ]) {
          const [kept] = bothOf(lookup(`f32[${rows + 1}, 64]`, shared), half, { T: 1 });
          const inputs = { ...kept.inputs, ids: hostTensor("i32", [1], [rows + 1]) };
          expect(() => runOn(machine, { ...kept, inputs })).toThrow(`refused: 1 ${rows + 1} ${rows + 1}`);
        }
      },
    );

    const linear = (columns: number, depth: number, layout: string, epilogue: string): string => {
      const weight = layout === "out_in" ? `f32[${columns}, ${depth}]` : `f32[${depth}, ${columns}]`;
      return `
        dim B
        input %x: f32[B, ${depth}]
        input %row: f32[${columns}]
        parameter %w: ${weight} = constant(1) "w"
        %y: f32[B, ${columns}] = linear_epilogue(x: %x, weight: %w, extras: [%row], layout: ${layout}, epilogue: ${epilogue})
        output y = %y`;
    };
    const short = "{ add(i0, i1) }";

    test.each([
      [1, 1, 1],
      [1, 24, 8],
      [1, 50, 67],
      [1, 40, 16],
      [2, 7, 5],
      [3, 56, 19],
      [5, 33, 70],
      [129, 32, 6],
      [130, 50, 9],
    ])("x [%d, K] by a weight [%d, %d] has the bits of the weight as floats", (rows, columns, depth) => {
      for (const layout of ["out_in", "in_out"])
        for (const epilogue of [short, "{ add(i0, i1); gelu(t0) }"]) {
          const [kept, widened] = bothOf(linear(columns, depth, layout, epilogue), half, { B: rows });
          expect(keptOf(kept)).toEqual([half]);
          const wanted = runOn(machine, widened, [1])["y"]!.data as Float32Array;
          for (const threads of layout === "out_in" && epilogue === short ? [1, 2, 3, 4] : [2])
            expect(firstDifference(runOn(machine, kept, [threads])["y"]!.data, wanted)).toBe(-1);
        }
    });

    test("subnormal numbers, infinities and NaN of a weight come into products as they are", () => {
      const [kept, widened] = bothOf(linear(30, 40, "out_in", short), half, { B: 1 });
      const odd = { bf16: 2 ** -130, f16: 3 * 2 ** -24 }[half];
      const data = Float64Array.from({ length: 1200 }, (_, i) => (i % 3) * odd);
      data[5 * 40 + 3] = NaN;
      data[6 * 40 + 3] = Infinity;
      data[7 * 40 + 3] = -Infinity;
      const parameters = { w: { dtype: "f32" as const, shape: [30, 40], data } };
      const found = runOn(machine, { ...kept, parameters });
      expect(found).toEqual(runOn(machine, { ...widened, parameters }));
      const { data: y } = found["y"]!;
      expect([5, 6, 7].map((column) => Number.isFinite(y[column]!))).toEqual([false, false, false]);
      expect(y[0]).not.toBe(y[1]);
    });

    test("weights that are joined are halves if all are, and one of another type leaves all as floats", () => {
      const text = `
        dim B
        input %x: f32[B, 19]
        parameter %a: f32[20, 19] = constant(1) "a"
        parameter %b: f32[9, 19] = constant(1) "b"
        %w: f32[29, 19] = concat([%a, %b], axis: 0)
        %y: f32[B, 29] = linear_epilogue(x: %x, weight: %w, epilogue: { neg(i0) })
        output y = %y`;
      const [kept, widened] = bothOf(text, half, { B: 2 });
      expect(keptOf(kept)).toEqual([half]);
      expect(runOn(machine, kept)).toEqual(runOn(machine, widened));
      const [a, b] = kept.graph.parameters;
      const mixed = {
        ...kept.graph,
        parameters: [a!, { ...b!, kept: half === "f16" ? "bf16" : "f16" } as const],
      };
      expect(keptOf({ ...kept, graph: mixed })).toEqual([]);
    });
  });
});
