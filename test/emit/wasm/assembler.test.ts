import { describe, expect, test } from "vitest";
import { atomics } from "../../../src/emit/wasm/assembler/atomics.ts";
import { Bytes } from "../../../src/emit/wasm/assembler/bytes.ts";
import type { Code, F32, F64, I32, ValueType } from "../../../src/emit/wasm/assembler/code.ts";
import {
  block,
  branch,
  branchIf,
  callIndirect,
  leave,
  loop,
  select,
  unreachable,
  when,
} from "../../../src/emit/wasm/assembler/control.ts";
import { FunctionWriter } from "../../../src/emit/wasm/assembler/function.ts";
import { fill } from "../../../src/emit/wasm/assembler/memory.ts";
import { encodeModule, signatureTable } from "../../../src/emit/wasm/assembler/module.ts";
import { f32, f64, i32, i64 } from "../../../src/emit/wasm/assembler/numbers.ts";
import { InternalError } from "../../../src/support/invariant.ts";
import { memoryAfter, valueOf } from "./code.ts";

const written = (write: (to: Bytes) => void): number[] => {
  const to = new Bytes();
  write(to);
  return [...to.finish()];
};

const at = (address: number): I32 => i32.const(address);
const words = (...values: number[]): Uint8Array => new Uint8Array(Int32Array.from(values).buffer);
const nothing = new Uint8Array(0);

describe("LEB128", () => {
  test.each([
    [0, [0]],
    [127, [127]],
    [128, [0x80, 1]],
    [16383, [0xff, 0x7f]],
    [16384, [0x80, 0x80, 1]],
    [2 ** 32 - 1, [0xff, 0xff, 0xff, 0xff, 0x0f]],
  ])("of %i without a sign", (value, bytes) => {
    expect(
      written((to) => {
        to.unsigned(value);
      }),
    ).toEqual(bytes);
  });

  test.each([
    [0, [0]],
    [63, [63]],
    [64, [0xc0, 0]],
    [-1, [0x7f]],
    [-64, [0x40]],
    [-65, [0xbf, 0x7f]],
    [2 ** 31 - 1, [0xff, 0xff, 0xff, 0xff, 0x07]],
    [-(2 ** 31), [0x80, 0x80, 0x80, 0x80, 0x78]],
  ])("of %i with its sign", (value, bytes) => {
    expect(
      written((to) => {
        to.signed(value);
      }),
    ).toEqual(bytes);
    expect(valueOf(nothing, () => i32.const(value)).getInt32(0, true)).toBe(value);
  });

  test("stands before what it counts, however long", () => {
    const bytes = written((to) => {
      to.sized((content) => {
        content.bytes(new Uint8Array(1000));
      });
    });
    expect(bytes.slice(0, 3)).toEqual([0xe8, 0x07, 0]);
    expect(bytes).toHaveLength(1002);
  });
});

/** Two whole numbers from memory, so that nothing is known of them. */
const [x, y] = [i32.load(at(0)), i32.load(at(0), 4)];

const pairs = [
  [7, 3],
  [-7, 3],
  [5, 5],
  [2 ** 31 - 1, 1],
  [-(2 ** 31), 31],
  [-1, 33],
  [1, -1],
] as const;
const unsigned = (value: number): number => value >>> 0;

/** Every instruction on two whole numbers, and what it must give. */
const ofTwo = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: Math.imul,
  div_s: (a, b) => Math.trunc(a / b),
  div_u: (a, b) => Math.trunc(unsigned(a) / unsigned(b)),
  rem_u: (a, b) => unsigned(a) % unsigned(b),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  shl: (a, b) => a << b,
  shr_s: (a, b) => a >> b,
  shr_u: (a, b) => a >>> b,
  rotl: (a, b) => (a << b) | (a >>> -b),
  eq: (a, b) => Number(a === b),
  ne: (a, b) => Number(a !== b),
  lt_s: (a, b) => Number(a < b),
  lt_u: (a, b) => Number(unsigned(a) < unsigned(b)),
  gt_s: (a, b) => Number(a > b),
  gt_u: (a, b) => Number(unsigned(a) > unsigned(b)),
  le_s: (a, b) => Number(a <= b),
  le_u: (a, b) => Number(unsigned(a) <= unsigned(b)),
  ge_s: (a, b) => Number(a >= b),
  ge_u: (a, b) => Number(unsigned(a) >= unsigned(b)),
} satisfies Partial<Record<keyof typeof i32, (a: number, b: number) => number>>;

test.each(Object.entries(ofTwo))("i32.%s is what its name says, known or not", (name, wanted) => {
  const make = i32[name as keyof typeof ofTwo];
  for (const [a, b] of pairs) {
    const expected = wanted(a, b) | 0;
    expect(valueOf(words(a, b), () => make(x, y)).getInt32(0, true), `${a} ${b}`).toBe(expected);
    const known = make(i32.const(a), i32.const(b));
    expect(known.known ?? expected).toBe(expected);
    expect(valueOf(nothing, () => known).getInt32(0, true)).toBe(expected);
  }
});

test("what changes nothing is left out, and 0 times anything is 0", () => {
  const zero = i32.const(0);
  const one = i32.const(1);
  for (const same of [
    i32.add(x, zero),
    i32.add(zero, x),
    i32.sub(x, zero),
    i32.mul(one, x),
    i32.mul(x, one),
    i32.div_u(x, one),
    i32.shl(x, zero),
    i32.or(zero, x),
  ])
    expect(same).toBe(x);
  expect(i32.mul(x, zero).known).toBe(0);
  expect(i32.sub(zero, x).known).toBeUndefined();
});

describe("numbers in memory", () => {
  const bytes = Uint8Array.of(0xfe, 0xff, 0x01, 0x80, 0, 0, 0, 0);
  test("are read by the byte, the half and the whole word", () => {
    expect(valueOf(bytes, () => i32.load8_u(at(0))).getInt32(0, true)).toBe(0xfe);
    expect(valueOf(bytes, () => i32.load16_u(at(0))).getInt32(0, true)).toBe(0xfffe);
    expect(valueOf(bytes, () => i32.load(at(0))).getUint32(0, true)).toBe(0x8001fffe);
    expect(valueOf(words(0, 0x40490fdb), () => f32.load(at(0), 4)).getFloat32(0, true)).toBe(
      Math.fround(Math.PI),
    );
  });

  test("are written by the byte, the half and the whole word", () => {
    const view = memoryAfter(nothing, (writer) => {
      writer.push(
        i32.store8(at(1), i32.const(0x1ff)),
        i32.store16(at(4), i32.const(-2)),
        i32.store(at(8), i32.const(-3)),
        f64.store(at(16), f64.const(0.1)),
        fill(at(32), i32.const(7), i32.const(3)),
      );
    });
    expect(view.getUint32(0, true)).toBe(0xff00);
    expect(view.getUint32(4, true)).toBe(0xfffe);
    expect(view.getInt32(8, true)).toBe(-3);
    expect(view.getFloat64(16, true)).toBe(0.1);
    expect(view.getUint32(32, true)).toBe(0x070707);
  });
});

/** Instructions on floats of both widths, on (a, b) = (-2.5, 1.5), and what they must give. */
const ofFloats = {
  abs: 2.5,
  neg: 2.5,
  floor: -3,
  trunc: -2,
  nearest: -2,
  add: -1,
  sub: -4,
  mul: -3.75,
  div: -2.5 / 1.5,
  min: -2.5,
  max: 1.5,
} as const satisfies Partial<Record<keyof typeof f32 & keyof typeof f64, number>>;
const ofOrder = { eq: 0, ne: 1, lt: 1, gt: 0, le: 1, ge: 0 } as const;

const instructionOf = (of: object, name: string): ((...args: (F32 | F64)[]) => Code<ValueType>) =>
  (of as Record<string, (...args: (F32 | F64)[]) => Code<ValueType>>)[name]!;

test.each(Object.entries(ofFloats))("f32.%s is what its name says", (name, wanted) => {
  const single = instructionOf(f32, name)(f32.const(-2.5), f32.const(1.5));
  expect(valueOf(nothing, () => single).getFloat32(0, true)).toBe(Math.fround(wanted));
});

test.each(Object.entries(ofFloats))("f64.%s is what its name says", (name, wanted) => {
  const double = instructionOf(f64, name)(f64.const(-2.5), f64.const(1.5));
  expect(valueOf(nothing, () => double).getFloat64(0, true)).toBe(wanted);
});

test.each(Object.entries(ofOrder))("floats are compared by %s", (name, wanted) => {
  const single = instructionOf(f32, name)(f32.const(-2.5), f32.const(1.5));
  const double = instructionOf(f64, name)(f64.const(-2.5), f64.const(1.5));
  expect(valueOf(nothing, () => single).getInt32(0, true)).toBe(wanted);
  expect(valueOf(nothing, () => double).getInt32(0, true)).toBe(wanted);
});

test("numbers of one type become those of another", () => {
  const float = (code: F32): number => valueOf(nothing, () => code).getFloat32(0, true);
  const double = (code: F64): number => valueOf(nothing, () => code).getFloat64(0, true);
  const whole = (code: I32): number => valueOf(nothing, () => code).getInt32(0, true);
  const minus = i32.const(-2);
  expect(float(f32.convert_i32_s(minus))).toBe(-2);
  expect(float(f32.convert_i32_u(minus))).toBe(2 ** 32);
  expect(float(f32.demote_f64(f64.const(0.1)))).toBe(Math.fround(0.1));
  expect(float(f32.reinterpret_i32(i32.const(0x3f800000)))).toBe(1);
  expect(float(f32.sqrt(f32.const(2)))).toBe(Math.fround(Math.SQRT2));
  expect(float(f32.ceil(f32.const(1.2)))).toBe(2);
  expect(float(f32.copysign(f32.const(3), f32.const(-0)))).toBe(-3);
  expect(double(f64.promote_f32(f32.const(0.1)))).toBe(Math.fround(0.1));
  expect(double(f64.convert_i32_s(minus))).toBe(-2);
  expect(double(f64.convert_i32_u(minus))).toBe(2 ** 32 - 2);
  expect(double(f64.sqrt(f64.const(2)))).toBe(Math.SQRT2);
  expect(whole(i32.trunc_sat_f32_s(f32.const(-1e20)))).toBe(-(2 ** 31));
  expect(whole(i32.trunc_sat_f64_s(f64.const(NaN)))).toBe(0);
  expect(whole(i32.trunc_sat_f64_s(f64.const(-7.9)))).toBe(-7);
  expect(whole(i32.reinterpret_f32(f32.const(-0)))).toBe(-(2 ** 31));
  expect(whole(i32.eqz(i32.const(0)))).toBe(1);
});

describe("control", () => {
  const result = (write: (writer: FunctionWriter) => void): number =>
    memoryAfter(nothing, write).getInt32(0, true);

  test.each([
    [0, 10, 3, 0 + 3 + 6 + 9],
    [0, 9, 3, 0 + 3 + 6],
    [5, 5, 1, 0],
    [6, 5, 1, 0],
    [-2, 1, 1, -3],
  ])("a range from %i below %i by steps of %i", (from, to, step, sum) => {
    const got = result((writer) => {
      const total = writer.local("i32");
      writer.push(
        writer.range(i32.const(from), i32.const(to), step, (index) => [total.set(i32.add(total.get, index))]),
        i32.store(at(0), total.get),
      );
    });
    expect(got).toBe(sum);
  });

  test("branches lead out of blocks and to the start of loops, over what lies between", () => {
    const got = result((writer) => {
      const count = writer.local("i32");
      writer.push(
        block((out) => [
          loop((again) => [
            count.set(i32.add(count.get, i32.const(1))),
            when(i32.eq(count.get, i32.const(5)), [branch(out)]),
            branchIf(again, i32.lt_s(count.get, i32.const(9))),
          ]),
          count.set(i32.const(-1)),
        ]),
        i32.store(at(0), count.get),
      );
    });
    expect(got).toBe(5);
  });

  test("a branch to what is not open is our own mistake", () => {
    expect(() =>
      written((to) => {
        branch(Symbol("nowhere")).write(to);
      }),
    ).toThrow(InternalError);
  });

  test.each([0, 1])("a choice by %i, known or not", (condition) => {
    const set = (value: number) => i32.store(at(4), i32.const(value));
    for (const asked of [i32.const(condition), i32.load(at(0))]) {
      const view = memoryAfter(words(condition), (writer) => {
        writer.push(
          when(asked, [set(10)], [set(20)]),
          i32.store(at(8), select(asked, i32.const(1), i32.const(2))),
        );
      });
      expect([view.getInt32(4, true), view.getInt32(8, true)]).toEqual(condition === 0 ? [20, 2] : [10, 1]);
    }
  });

  test("what is left is left, and what cannot be traps", () => {
    expect(
      result((writer) => {
        writer.push(leave, i32.store(at(0), i32.const(1)));
      }),
    ).toBe(0);
    expect(() =>
      result((writer) => {
        writer.push(unreachable);
      }),
    ).toThrow(WebAssembly.RuntimeError);
  });

  test("locals keep types apart in any order", () => {
    const got = result((writer) => {
      const [a, b] = [writer.local("i32"), writer.local("f32")];
      const [c, d] = [writer.local("i32"), writer.local("f64")];
      writer.push(
        a.set(i32.const(3)),
        b.set(f32.const(0.5)),
        d.set(f64.const(2)),
        c.set(i32.add(a.tee(i32.const(4)), a.get)),
        i32.store(at(0), i32.add(c.get, i32.trunc_sat_f64_s(f64.mul(d.get, f64.promote_f32(b.get))))),
      );
    });
    expect(got).toBe(9);
  });
});

test("functions are called by their place in the table, each signature once", () => {
  const signature = { parameters: ["i32"], results: [] } as const;
  const adding = (amount: number) => {
    const writer = new FunctionWriter(signature.parameters);
    writer.push(i32.store(at(0), i32.add(writer.parameter(0).get, i32.const(amount))));
    return { signature: writer.signature, code: writer.encode() };
  };
  const caller = new FunctionWriter(["i32", "i32"]);
  const signatures = [signature, signature, caller.signature];
  const { types, indexOf } = signatureTable(signatures);
  expect(types).toHaveLength(2);
  caller.push(callIndirect(indexOf(signature), caller.parameter(0).get, [caller.parameter(1).get]));
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const binary = encodeModule({
    functions: [
      adding(10),
      adding(20),
      { signature: caller.signature, code: caller.encode(), exportName: "call" },
    ],
    table: [1, 0],
    memory: { pages: 1, most: 1, shared: false },
    data: [{ address: 100, bytes: words(77) }],
  });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(binary), { env: { memory } });
  const view = new DataView(memory.buffer);
  const call = exports["call"] as (index: number, value: number) => void;
  call(0, 1);
  expect(view.getInt32(0, true)).toBe(21);
  call(1, 1);
  expect(view.getInt32(0, true)).toBe(11);
  expect(() => {
    call(2, 1);
  }).toThrow(WebAssembly.RuntimeError);
  expect(view.getInt32(100, true)).toBe(77);
});

test("atomics give what was there before, and wait no longer than they are told", () => {
  const view = memoryAfter(
    words(5, 6, 7, 8),
    (writer) => {
      const before = [
        atomics.add(at(0), i32.const(3)),
        atomics.or(at(0), i32.const(8), 4),
        atomics.compareExchange(at(0), i32.const(7), i32.const(70), 8),
        atomics.compareExchange(at(0), i32.const(7), i32.const(80), 12),
        atomics.load(at(0)),
        atomics.wait(at(0), i32.const(1), i64.const(-1)),
        atomics.wait(at(0), i32.const(8), i64.mul(i64.extend_i32_s(i32.const(1000)), i64.const(1))),
        atomics.notify(at(0), i32.const(1)),
      ];
      writer.push(
        ...before.map((value, index) => i32.store(at(64 + 4 * index), value)),
        atomics.store(at(0), i32.const(-9), 32),
      );
    },
    { shared: true },
  );
  const read = (from: number, count: number): number[] =>
    Array.from({ length: count }, (_, i) => view.getInt32(from + 4 * i, true));
  expect(read(64, 8)).toEqual([5, 6, 7, 8, 8, 1, 2, 0]);
  expect(read(0, 4)).toEqual([8, 14, 70, 8]);
  expect(view.getInt32(32, true)).toBe(-9);
});
