import { describe, expect, test } from "vitest";
import { readNpy, writeNpy } from "../../src/checkpoint/npy.ts";
import { readNpz, writeNpz } from "../../src/checkpoint/npz.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { expectValue, fixture, fixtureValues, messageOf } from "./fixtures.ts";

describe("arrays written by NumPy", () => {
  test.each([
    ["f4", "f32"],
    ["f8_fortran", "f64"],
    ["f2_version2", "f16"],
    ["i8_version3", "i64"],
    ["i4_fortran", "i32"],
    ["i2", "i16"],
    ["u4", "u32"],
    ["i1", "i8"],
    ["u1", "u8"],
    ["b1", "bool"],
    ["scalar", "f32"],
    ["empty", "f32"],
  ] as const)("%s.npy is read as %s", (name, dtype) => {
    const { shape, values } = fixtureValues[name]!;
    expect(expectValue(readNpy(fixture(`${name}.npy`), name))).toStrictEqual(
      hostTensor(dtype, shape, values),
    );
  });

  test("what we write is what NumPy writes, byte for byte", () => {
    for (const name of ["f4", "i2", "u1", "b1", "scalar", "empty"]) {
      const bytes = fixture(`${name}.npy`);
      expect(writeNpy(expectValue(readNpy(bytes, name)))).toStrictEqual(bytes);
    }
  });

  test("and a Buffer of Node, which may lie in a pool, is read like any bytes", () => {
    const pooled = Buffer.from(fixture("f4.npy"));
    const { shape, values } = fixtureValues["f4"]!;
    expect(expectValue(readNpy(pooled, "f4.npy"))).toStrictEqual(hostTensor("f32", shape, values));
  });

  test("a .npz gives its arrays by name, stored or deflated", () => {
    const stored = expectValue(readNpz(fixture("stored.npz"), "stored.npz"));
    expect(stored).toStrictEqual(
      new Map([
        ["a", hostTensor("f32", [2, 3], [0, 1, 2, 3, 4, 5])],
        ["b", hostTensor("i64", [2], [1, 2])],
      ]),
    );
    const deflated = expectValue(readNpz(fixture("deflated.npz"), "deflated.npz"));
    expect(deflated.get("zeros")).toStrictEqual(hostTensor("f32", [40, 50], new Array(2000).fill(0)));
  });
});

test("a .npz survives writing and reading", () => {
  const arrays = new Map([["x/y", hostTensor("f64", [2], [0.1, -0])]]);
  expect(expectValue(readNpz(writeNpz(arrays), "file"))).toStrictEqual(arrays);
});

/** A version 1 file with any header. */
const npy = (header: string, data = 0): Uint8Array =>
  Uint8Array.of(
    0x93,
    ...new TextEncoder().encode("NUMPY"),
    1,
    0,
    header.length,
    0,
    ...new TextEncoder().encode(header),
    ...new Array<number>(data).fill(0),
  );

test("numbers of 16 bits without a sign are numbers of 32, in both orders", () => {
  // numpy.save of numpy.array([[0, 1], [40000, 65535]], "<u2"), and of it in Fortran order.
  const header = (order: string): string =>
    `{'descr': '<u2', 'fortran_order': ${order}, 'shape': (2, 2), }\n`;
  const file = (order: string, ...words: number[]): Uint8Array => {
    const bytes = npy(header(order), 2 * words.length);
    bytes.set(new Uint8Array(Uint16Array.from(words).buffer), bytes.length - 2 * words.length);
    return bytes;
  };
  const expected = { dtype: "i32", shape: [2, 2], data: Int32Array.of(0, 1, 40000, 65535) };
  expect(readNpy(file("False", 0, 1, 40000, 65535), "a.npy")).toEqual(expected);
  expect(readNpy(file("True", 0, 40000, 1, 65535), "a.npy")).toEqual(expected);
  expect(
    messageOf(readNpy(npy("{'descr': '<u8', 'fortran_order': False, 'shape': (1,), }", 8), "a.npy")),
  ).toContain('| save it with `a.astype("<i8")`');
});

describe("a damaged or foreign array gives one message", () => {
  const cases: [string, Uint8Array, string][] = [
    [
      "is something else",
      new TextEncoder().encode("PK.."),
      "E711 a.npy: expected a .npy file, but it does not begin with \\x93NUMPY",
    ],
    [
      "is of an unknown version",
      fixture("f4.npy").with(6, 9),
      "E711 a.npy: .npy version 9 is not known; 1, 2 and 3 are",
    ],
    [
      "ends before its header",
      fixture("f4.npy").subarray(0, 9),
      "E711 a.npy: the file is truncated: expected at least 10 bytes, found 9",
    ],
    [
      "ends in its header",
      fixture("f4.npy").subarray(0, 40),
      "E711 a.npy: the file is truncated: expected at least 128 bytes, found 40",
    ],
    [
      "ends in its data",
      fixture("f4.npy").subarray(0, 220),
      "E713 a.npy: f32[2, 3, 4] takes 96 bytes, but the file has 92 after its header",
    ],
    [
      "is big endian",
      fixture("big_endian.npy"),
      'E712 a.npy: elements of type `>f4` cannot be read; known are <f8 <f4 <f2 <i8 <i4 <u4 <i2 |i1 |u1 |b1 <u2 | save it with `a.astype("<f4")`',
    ],
    [
      "holds objects",
      npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"),
      "E712 a.npy: elements of type `|O` cannot be read; known are <f8 <f4 <f2 <i8 <i4 <u4 <i2 |i1 |u1 |b1 <u2",
    ],
    [
      "holds records",
      npy("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,), }"),
      "E712 a.npy: expected a header with descr, fortran_order and shape, found `{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,), }` | only arrays of numbers can be read, no records",
    ],
    [
      "has a size beyond all files",
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, 9999999999), }", 4),
      "E713 a.npy: f32[9999999999, 9999999999] takes 399999999920000000000 bytes, but the file has 4 after its header",
    ],
  ];
  test.each(cases)("when it %s", (_when, bytes, message) => {
    expect(messageOf(readNpy(bytes, "a.npy"))).toBe(message);
  });

  test("when a zip archive is damaged", () => {
    const message = "E714 a.npz: expected a .npz file, but the zip archive is damaged";
    expect(messageOf(readNpz(new Uint8Array(100), "a.npz"))).toBe(message);
    expect(messageOf(readNpz(fixture("deflated.npz").fill(0, 60, 80), "a.npz"))).toBe(message);
    expect(messageOf(readNpz(fixture("deflated.npz").fill(0x78, 190, 200), "a.npz"))).toBe(message);
  });

  test("when a zip archive says that it holds more than its size allows", () => {
    const bytes = fixture("deflated.npz");
    const directory = new DataView(bytes.buffer).getUint32(bytes.length - 6, true);
    new DataView(bytes.buffer).setUint32(directory + 24, 0xfffffff0, true);
    expect(messageOf(readNpz(bytes, "a.npz"))).toContain("E714 a.npz: its 242 B unpack to more than 64.0 MB");
  });

  test.each([
    [8, 1, "`x.npy` is encrypted, which cannot be read"],
    [10, 93, "`x.npy` is packed by method 93 of zip, which cannot be read"],
  ])("when an array of a zip archive is packed in another way", (field, value, message) => {
    const bytes = writeNpz(new Map([["x", hostTensor("f32", [1], [1])]]));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    view.setUint16(view.getUint32(bytes.length - 6, true) + field, value, true);
    expect(messageOf(readNpz(bytes, "a.npz"))).toBe(
      `E714 a.npz: ${message} | write it with numpy.savez or numpy.savez_compressed`,
    );
  });
});
