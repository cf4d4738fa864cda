import "./relaxed.ts";
import { describe, expect, test } from "vitest";
import { decodeF16, encodeF16 } from "../../../src/checkpoint/half.ts";
import { relaxedProbe } from "../../../src/emit/wasm/binary.ts";
import { kernelOf } from "../../../src/emit/wasm/kernels/table.ts";
import { machines, type Machine } from "../../../src/emit/wasm/machine.ts";
import { wasmTarget } from "../../../src/emit/wasm/target.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { planGraph } from "../../../src/plan/build.ts";
import { hostTensor, type HostTensor } from "../../../src/tensor/host.ts";
import { graphOf } from "../../plan/graphs.ts";
import { plain, runKernels, unrolled } from "./harness.ts";

const DEPTH = 96;

interface Form {
  readonly bits: 4 | 5 | 8;
  readonly block: 16 | 32;
  readonly narrow: boolean;
  readonly hasMinimums: boolean;
  /** Whether what stands beside the codes lies as halves. */
  readonly halves: boolean;
}

const forms: readonly Form[] = [
  { bits: 8, block: 32, narrow: false, hasMinimums: false, halves: false },
  { bits: 8, block: 32, narrow: false, hasMinimums: false, halves: true },
  { bits: 8, block: 32, narrow: true, hasMinimums: false, halves: false },
  { bits: 8, block: 16, narrow: true, hasMinimums: false, halves: true },
  { bits: 5, block: 32, narrow: false, hasMinimums: false, halves: true },
  { bits: 5, block: 16, narrow: false, hasMinimums: true, halves: false },
  { bits: 4, block: 32, narrow: false, hasMinimums: false, halves: false },
  { bits: 4, block: 16, narrow: false, hasMinimums: true, halves: false },
  { bits: 4, block: 32, narrow: false, hasMinimums: true, halves: false },
  { bits: 4, block: 32, narrow: false, hasMinimums: true, halves: true },
];

const endings = { alone: "", short: "add(i0, i1)", long: "add(i0, i1); silu(t0)" } as const;

function graphText(rows: number, columns: number, form: Form, ending: keyof typeof endings): string {
  const { bits, block, narrow, hasMinimums } = form;
  const kept = form.halves ? " kept as f16" : "";
  const [words, blocks] = [(DEPTH * bits) / 32, DEPTH / block];
  const minimums = hasMinimums ? ", minimums: %m" : "";
  const epilogue = ending === "alone" ? "" : `, extras: [%b], epilogue: { ${endings[ending]} }`;
  return `
    input %x: f32[${rows}, ${DEPTH}]
    input %b: f32[${columns}]
    parameter %c: i32[${columns}, ${words}] = constant(0) "c"
    parameter %s: f32[${columns}, ${blocks}] = constant(0) "s"${kept}
    ${hasMinimums ? `parameter %m: f32[${columns}, ${blocks}] = constant(0) "m"${kept}` : ""}
    %y: f32[${rows}, ${columns}] = packed_linear(x: %x, codes: %c, scales: %s${minimums}, bits: ${bits}, block: ${block}, narrow: ${narrow}, activations: int8${epilogue})
    output y = %y`;
}

/** Numbers that look random, from -1 up to 1. */
const drawn = (shape: readonly number[], by: number): HostTensor =>
  hostTensor(
    "f32",
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(by * (i + 1) * (i + 3))),
  );

/** The same as numbers that halves have. */
const halved = ({ shape, data }: HostTensor): HostTensor =>
  hostTensor("f32", shape, decodeF16(Uint16Array.from(data, encodeF16)));

function given(columns: number, { bits, block, narrow, hasMinimums, halves }: Form) {
  const codes = Int32Array.from({ length: (columns * DEPTH * bits) / 32 }, (_, i) =>
    Math.imul(i + 1, 0x9e3779b1),
  );
  if (narrow)
    new Int8Array(codes.buffer).forEach((code, i, all) => {
      all[i] = code >> 1;
    });
  const scales = [columns, DEPTH / block];
  const kept = halves ? halved : (tensor: HostTensor) => tensor;
  return {
    c: hostTensor("i32", [columns, (DEPTH * bits) / 32], codes),
    s: kept(drawn(scales, 1.1)),
    ...(hasMinimums ? { m: kept(drawn(scales, 1.7)) } : {}),
  };
}

interface How {
  readonly machine: Machine;
  readonly ranks: number;
}

function computed(rows: number, columns: number, form: Form, ending: keyof typeof endings, how: How) {
  const graph = graphOf(graphText(rows, columns, form, ending));
  const parameters = given(columns, form);
  const inputs = { x: drawn([rows, DEPTH], 0.7), b: drawn([columns], 0.3) };
  const { y } = runKernels(planGraph(graph, { target: wasmTarget }), {
    inputs,
    parameters,
    ...how,
    kernelOf: (stage, k) => kernelOf(stage, k, ({ buffer }) => String(buffer)),
  });
  const exact = interpret(graph, { inputs, parameters: new Map(Object.entries(parameters)) })["y"]!.data;
  return { found: [...y!.data], exact: [...exact] };
}

/**
 * A machine that reads a lone row's weight from several places, and one of the same bits. V8 11's baseline code loses sums of products
 * of codes, so modules have the other kernels there.
 */
const pairs = [
  ["of 128 bits alone", unrolled, plain],
  ...(Number.parseInt(process.versions.v8, 10) < 12
    ? []
    : [["with relaxed SIMD", machines.relaxed, machines.relaxed] as const]),
] as const;

describe.each(pairs)("a lone row with a weight in codes, on a machine %s", (_, machine, other) => {
  describe.each(forms)(
    "of $bits bits, blocks of $block, narrow: $narrow, minimums: $hasMinimums, halves: $halves",
    (form) => {
      // 12 groups of 8 are read from four places, 5 from one.
      test.each([96, 40])("has the bits of a row among others, of %d columns", (columns) => {
        for (const ending of ["alone", "short", "long"] as const) {
          const among = computed(2, columns, form, ending, { machine: other, ranks: 1 });
          const wanted = among.found.slice(0, columns);
          for (const ranks of [1, 2, 5]) {
            const { found, exact } = computed(1, columns, form, ending, { machine, ranks });
            expect(found).toEqual(wanted);
            // Sums of 96 products of float32, each rounded once.
            const largest = Math.max(...exact.map(Math.abs));
            found.forEach((value, i) => {
              expect(Math.abs(value - exact[i]!)).toBeLessThan(1e-5 * largest);
            });
          }
        }
      });
    },
  );
});

test("modules that sum products of codes ask whether the engine loses sums: V8 11's baseline code does", () => {
  const [asks, asksNot] = [true, false].map((sumsCodes) => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
    const module = new WebAssembly.Module(Uint8Array.from(relaxedProbe(sumsCodes)));
    const { isFused } = new WebAssembly.Instance(module, { env: { memory } }).exports;
    return (isFused as () => number)();
  });
  expect(asksNot).not.toBe(0);
  expect(asks !== 0).toBe(Number.parseInt(process.versions.v8, 10) >= 12);
});
