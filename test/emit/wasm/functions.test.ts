import { describe, expect, test } from "vitest";
import {
  floats,
  wholes,
  asFloats,
  asWholes,
  literal,
  type Lanes,
} from "../../../src/emit/wasm/functions/lanes.ts";
import { applyFunction, applyProgram } from "../../../src/emit/wasm/functions/apply.ts";
import { promoted } from "../../../src/emit/wasm/functions/doubles.ts";
import { preciseLog } from "../../../src/emit/wasm/functions/logarithm.ts";
import { sinCosOfDoubles } from "../../../src/emit/wasm/functions/trigonometric.ts";
import { f32x4 } from "../../../src/emit/wasm/assembler/simd.ts";
import type { Body, Wide } from "../../../src/emit/wasm/functions/wide.ts";
import { machines, type Machine } from "../../../src/emit/wasm/machine.ts";
import type { Operation } from "../../../src/emit/loops/tree.ts";
import { scalarFunctions, type ScalarFunction, type ScalarName } from "../../../src/ops/scalar.ts";
import { RandomStream, threefry2x32 } from "../../../src/tensor/random.ts";
import { overLanes } from "./lanes.ts";
import { sweeper, ulpsBetween } from "./ulps.ts";

/** What float32 can be wrong by in a function of several steps; the exhaustive sweep's figures stand in the README. */
const MOST_ULPS = 4;

const names = Object.keys(scalarFunctions) as ScalarName[];
const arityOf = (op: ScalarName): number => scalarFunctions[op].arity;
const bothMachines = Object.entries(machines) as [string, Machine][];

/** Float32 where functions change what they do, with both signs. */
const edges = [
  0,
  1,
  0.5,
  2,
  3,
  4,
  NaN,
  Infinity,
  2 ** -149,
  2 ** -126,
  2 ** -127,
  3.4028234663852886e38,
  88.72284,
  87.33655,
  103.97208,
  1e-4,
  0.1,
  // Where gelu is worst, as the sweep has it.
  0.1402393877506256,
  0.14044350385665894,
  9.01,
  10,
  13.5,
  14.4,
  14.6,
  16,
  150,
  2 ** 20,
  2 ** 23,
  2 ** 24,
  2 ** 24 - 1,
  2 ** 31,
  Math.PI / 2,
  Math.PI,
  16.5,
  1e10,
].flatMap((each) => [each, -each]);

const random = new RandomStream(7, "functions");
const wordView = (array: Float32Array): Uint32Array =>
  new Uint32Array(array.buffer, array.byteOffset, array.length);

/** As many floats of each exponent and sign, their other bits at random. */
function fillAtRandom(array: Float32Array): void {
  const words = wordView(array);
  for (let i = 0; i < words.length; i++) words[i] = ((i % 512) * 2 ** 23 + random.below(2 ** 23)) >>> 0;
}

/** The same in a random order of exponents that are near 1: so that powers and quotients are no mere 0 and ∞. */
function fillNearOne(array: Float32Array): void {
  for (let i = 0; i < array.length; i++)
    array[i] = (random.uniform() < 0.3 ? -1 : 1) * 2 ** (random.uniform() * 40 - 20) * (1 + random.uniform());
}

test.each(names.filter((op) => arityOf(op) === 1))("%s is right to 4 ulp over all exponents", (op) => {
  const { inputs, run, worst } = sweeper(op, Object.values(machines));
  inputs[0]!.set(edges);
  run();
  for (let round = 0; round < 50; round++) {
    fillAtRandom(inputs[0]!);
    run();
  }
  for (const { ulps, at, got, wanted } of worst)
    expect(ulps, `${op}(${at.join()}) is ${wanted}, not ${got}`).toBeLessThanOrEqual(MOST_ULPS);
});

test.each(bothMachines)("relative powers give quotients to 4 ulp for x ≤ 0 (%s)", (_, machine) => {
  // 2^24 e^x, of which a quotient is e^x again, rounded where it is no normal number.
  const { inputs, outputs, run } = overLanes(machine, 1, 1, ([x], body) => {
    const raised = asFloats(applyFunction("relative_power", [floats(x!)], body), body);
    return [raised.map((vector) => f32x4.mul(vector, body.constants.splat(2 ** -24)))];
  })(4096);
  const x = inputs[0]!;
  x.set(edges.map((each) => -Math.abs(each)));
  for (let round = 0; round < 50; round++) {
    run();
    x.forEach((at, i) => {
      const [got, wanted] = [outputs[0]![i]!, Math.exp(at)];
      expect(ulpsBetween(got, wanted), `e^${at} is ${wanted}, not ${got}`).toBeLessThanOrEqual(MOST_ULPS);
    });
    if (round % 2 === 0) fillAtRandom(x);
    // The smaller, the more of ln 2 is taken away.
    else
      for (let i = 0; i < x.length; i++)
        x[i] = round % 4 === 1 ? 110 * random.uniform() : 85 + 3 * random.uniform();
    for (let i = 0; i < x.length; i++) x[i] = -Math.abs(x[i]!);
  }
});

test.each(names.filter((op) => arityOf(op) === 2))(
  "%s is right to 4 ulp over pairs of all exponents",
  (op) => {
    const { inputs, run, worst } = sweeper(op, Object.values(machines));
    const [x, y] = inputs as [Float32Array, Float32Array];
    for (let i = 0; i < edges.length; i += 60) {
      for (let k = 0; k < x.length; k++)
        [x[k], y[k]] = [edges[k % edges.length]!, edges[(i + Math.floor(k / edges.length)) % edges.length]!];
      run();
    }
    for (let round = 0; round < 40; round++) {
      const fill = round % 2 === 0 ? fillNearOne : fillAtRandom;
      inputs.forEach(fill);
      // Whole exponents and divisors, and each exponent beside each.
      if (round % 4 === 0) y.forEach((value, k) => (y[k] = Math.round(value % 64)));
      else x.sort(() => random.uniform() - 0.5);
      run();
    }
    for (const { ulps, at, got, wanted } of worst)
      expect(ulps, `${op}(${at.join()}) is ${wanted}, not ${got}`).toBeLessThanOrEqual(MOST_ULPS);
  },
);

/** Results of code over numbers, as float32 or as words. */
function computed(
  machine: Machine,
  inputs: readonly (readonly number[])[],
  code: (inputs: readonly Wide[], body: Body) => readonly Wide[],
  results = 1,
): Float32Array[] {
  const count = Math.ceil(inputs[0]!.length / 16) * 16;
  const { inputs: arrays, outputs, run } = overLanes(machine, inputs.length, results, code)(count);
  arrays.forEach((array, index) => {
    array.set(inputs[index]!);
  });
  run();
  return outputs.map((output) => output.slice(0, inputs[0]!.length));
}

const ofWholes =
  (op: Operation) =>
  (inputs: readonly Wide[], body: Body): readonly Wide[] => [
    asFloats(
      applyFunction(
        op,
        inputs.map((each) => wholes(asWholes(floats(each), body))),
        body,
      ),
      body,
    ),
  ];

describe.each(bothMachines)("on the %s machine", (_, machine) => {
  const someWholes = [0, 1, -1, 2, -2, 3, 5, -7, 10, 12, 31, -100, 1000, 65535, -40000];
  const pairs = someWholes.flatMap((x) => someWholes.map((y): [number, number] => [x, y]));
  const [xs, ys] = [pairs.map(([x]) => x), pairs.map(([, y]) => y)];
  const ofNumbers = names.filter((op) => {
    const { arity, takes } = scalarFunctions[op];
    return arity <= 2 && takes !== "floats" && takes !== "bools";
  });

  test.each(ofNumbers)("%s of whole numbers is whole", (op) => {
    const [got] = computed(machine, [xs, ys].slice(0, arityOf(op)), ofWholes(op));
    const { evaluate }: ScalarFunction = scalarFunctions[op];
    pairs.forEach(([x, y], i) => {
      const wanted = evaluate(x, y);
      // No whole number of 32 bits: an op's record says nothing of it.
      if (!(Math.abs(wanted) < 2 ** 31)) return;
      expect(got![i], `${op}(${x}, ${y})`).toBe(Math.fround(Math.trunc(wanted)) + 0);
    });
  });

  test("a remainder by 0 of whole numbers is 0", () => {
    expect(computed(machine, [[5], [0]], ofWholes("mod"))[0]![0]).toBe(0);
  });

  test("truth goes into choices, connectives and numbers", () => {
    const code = ([x, y]: readonly Wide[], body: Body): readonly Wide[] => {
      const of = (op: Operation, ...args: Lanes[]): Lanes => applyFunction(op, args, body);
      const [a, b] = [floats(x!), floats(y!)];
      const [less, positive] = [of("lt", a, b), of("gt", a, literal(0, body, x!.length))];
      return [
        of("where", less, a, b),
        of("and", less, positive),
        of("or", less, of("not", positive)),
        of("add", less, of("mul", a, positive)),
        of("eq", less, positive),
        of("where", a, literal(1, body, x!.length), b),
        of("where", less, less, positive),
      ].map((lanes) => asFloats(lanes, body));
    };
    const got = computed(
      machine,
      [
        [1, 2, -1, NaN, 0],
        [2, 1, 3, 1, -0],
      ],
      code,
      7,
    );
    expect(got.map((each) => [...each])).toEqual([
      [1, 1, -1, 1, -0],
      [1, 0, 0, 0, 0],
      [1, 0, 1, 1, 1],
      [2, 2, 1, NaN, 0],
      [1, 0, 0, 1, 1],
      [1, 1, 1, 1, -0],
      [1, 1, 1, 0, 0],
    ]);
  });

  test("an expression computes each step once, in order, and takes a product into a sum", () => {
    const code = (inputs: readonly Wide[], body: Body): readonly Wide[] => [
      asFloats(
        applyProgram(
          {
            steps: [
              {
                op: "mul",
                args: [
                  { kind: "input", index: 0 },
                  { kind: "input", index: 1 },
                ],
              },
              {
                op: "add",
                args: [
                  { kind: "step", index: 0 },
                  { kind: "number", value: 0.5 },
                ],
              },
              { op: "square", args: [{ kind: "step", index: 1 }] },
              {
                op: "sub",
                args: [
                  { kind: "step", index: 2 },
                  { kind: "step", index: 0 },
                ],
              },
            ],
          },
          inputs.map(floats),
          body,
        ),
        body,
      ),
    ];
    const got = computed(
      machine,
      [
        [1, 2, -3],
        [4, 0.5, 2],
      ],
      code,
    )[0]!;
    expect([...got]).toEqual([4.5 ** 2 - 4, 1.5 ** 2 - 1, 5.5 ** 2 + 6]);
  });

  test("an expression without steps is its first input", () => {
    const code = (inputs: readonly Wide[], body: Body): readonly Wide[] => [
      asFloats(applyProgram({ steps: [] }, inputs.map(floats), body), body),
    ];
    expect([...computed(machine, [[1.5, -0]], code)[0]!]).toEqual([1.5, -0]);
  });

  test("threefry is that of the host, and is compared without a sign", () => {
    const counters = Array.from({ length: 64 }, (_, i) => i);
    const threshold = 0.4 * 2 ** 32;
    const code = ([x]: readonly Wide[], body: Body): readonly Wide[] => {
      const width = x!.length;
      const bits = applyFunction(
        "threefry",
        [
          literal(0x12345, body, width),
          literal(-77, body, width),
          wholes(asWholes(floats(x!), body)),
          literal(3, body, width),
        ],
        body,
      );
      return [
        bits.vectors,
        asFloats(applyFunction("ge", [bits, literal(Math.floor(threshold), body, width)], body), body),
      ];
    };
    const [bits, stays] = computed(machine, [counters], code, 2);
    const wanted = counters.map((counter) => threefry2x32(0x12345, -77, counter, 3)[0]);
    expect([...wordView(bits!)]).toEqual(wanted);
    expect([...stays!]).toEqual(wanted.map((each) => Number(each >= threshold)));
  });

  test("whole numbers are compared with those that no 32 bits hold as if they were held", () => {
    const bounds = [2 ** 31, 3e9, -3e9, 2.5, -2.5, 2 ** 31 - 0.5, -(2 ** 31) - 0.5, NaN, Infinity, -Infinity];
    const relations = ["eq", "ne", "lt", "le", "gt", "ge"] as const;
    const xs = [0, 2, 3, -2, -3, 2 ** 31 - 1, -(2 ** 31), 2 ** 24 + 1];
    const cases = relations.flatMap((op) => bounds.map((bound) => ({ op, bound })));
    const [got] = [
      computed(
        machine,
        [[...new Float32Array(Int32Array.from(xs).buffer)]],
        ([x], body) =>
          cases.flatMap(({ op, bound }) => {
            const [whole, known] = [wholes(x!), literal(bound, body, x!.length)];
            return [
              [whole, known],
              [known, whole],
            ].map((args) => asFloats(applyFunction(op, args, body), body));
          }),
        2 * cases.length,
      ),
    ];
    cases.forEach(({ op, bound }, index) => {
      const { evaluate } = scalarFunctions[op] as ScalarFunction;
      xs.forEach((x, i) => {
        expect(got[2 * index]![i], `${op}(${x}, ${bound})`).toBe(evaluate(x, bound));
        expect(got[2 * index + 1]![i], `${op}(${bound}, ${x})`).toBe(evaluate(bound, x));
      });
    });
  });

  test("the smaller and the larger of whole numbers and one beyond them are whole numbers", () => {
    const xs = [0, 2 ** 31 - 1, -(2 ** 31), 2 ** 24 + 1];
    const got = computed(
      machine,
      [[...new Float32Array(Int32Array.from(xs).buffer)]],
      ([x], body) =>
        (["min", "max"] as const).map(
          (op) =>
            applyFunction(op, [wholes(x!), literal(op === "min" ? 3e9 : -3e9, body, x!.length)], body)
              .vectors,
        ),
      2,
    );
    for (const each of got) expect([...new Int32Array(wordView(each).buffer)]).toEqual(xs);
  });

  test("floats become what is left of them in 32 bits, as JavaScript has it", () => {
    const values = [
      ...[
        1.7,
        -1.7,
        0.2,
        -0.2,
        1e6,
        2 ** 31,
        -(2 ** 31),
        2 ** 31 - 128,
        -(2 ** 31) - 256,
        2 ** 32,
        2 ** 32 + 512,
      ],
      ...[
        1.5 * 2 ** 32,
        2.5 * 2 ** 32,
        -1.5 * 2 ** 32,
        3e9,
        -3e9,
        1e20,
        -1e20,
        3.4e38,
        NaN,
        Infinity,
        -Infinity,
      ],
    ].map(Math.fround);
    const got = computed(machine, [values], (inputs, body) => [
      applyFunction("truncate", inputs.map(floats), body).vectors,
    ])[0]!;
    expect([...new Int32Array(wordView(got).buffer).subarray(0, values.length)]).toEqual(
      values.map((x) => x | 0),
    );
    const random = new Float32Array(4096);
    fillAtRandom(random);
    const words = computed(machine, [[...random]], (inputs, body) => [
      asWholes(floats(inputs[0]!), body),
    ])[0]!;
    expect([...new Int32Array(wordView(words).buffer)]).toEqual([...random].map((x) => x | 0));
  });

  test("truncation leaves what is before the point", () => {
    const got = computed(machine, [[1.7, -1.7, 0.2, 1e6]], (inputs, body) => [
      asFloats(applyFunction("truncate", inputs.map(floats), body), body),
    ])[0]!;
    expect([...got]).toEqual([1, -1, 0, 1e6]);
  });

  test("the precise logarithm is the nearest float32", () => {
    const values = Float32Array.from({ length: 65536 }, (_, i) => (i < 4096 ? i : 0));
    fillAtRandom(values.subarray(4096));
    const got = computed(machine, [[...values]], ([x], body) => [preciseLog(x!, body)])[0]!;
    values.forEach((value, i) => {
      expect(got[i], `log(${value})`).toBe(Math.fround(Math.log(value)));
    });
  });

  test("sine and cosine of angles in float64 are right to 2 ulp", () => {
    const angles = Float32Array.from({ length: 4096 }, (_, i) => (i - 2048) * 97.03125);
    const [sine, cosine] = computed(
      machine,
      [[...angles]],
      ([x], body) => {
        const both = sinCosOfDoubles(promoted(x!, body), body);
        return [both.sine, both.cosine];
      },
      2,
    );
    angles.forEach((angle, i) => {
      expect(ulpsBetween(sine![i]! + 0, Math.sin(angle)), `sin(${angle})`).toBeLessThan(2);
      expect(ulpsBetween(cosine![i]!, Math.cos(angle)), `cos(${angle})`).toBeLessThan(2);
    });
  });
});
