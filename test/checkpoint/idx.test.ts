import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { gunzipIfPacked } from "../../src/checkpoint/gzip.ts";
import { readIdx, writeIdx } from "../../src/checkpoint/idx.ts";
import { elementsOf } from "../../src/checkpoint/stored.ts";
import { expectValue, messageOf } from "./fixtures.ts";

/** The number of axes and their sizes behind a type, then the elements, all written by hand. */
const idx = (type: number, sizes: readonly number[], ...elements: readonly number[]): Uint8Array =>
  Uint8Array.from([0, 0, type, sizes.length, ...sizes.flatMap((size) => [0, 0, 0, size]), ...elements]);

describe("an IDX file", () => {
  test.each([
    ["u8", idx(0x08, [2, 3], 1, 2, 3, 4, 5, 255), [2, 3], [1, 2, 3, 4, 5, 255]],
    ["i8", idx(0x09, [2], 0xff, 2), [2], [-1, 2]],
    ["i16", idx(0x0b, [2], 0x01, 0x02, 0xff, 0xfe), [2], [258, -2]],
    ["i32", idx(0x0c, [1], 0x00, 0x01, 0x00, 0x02), [1], [65538]],
    // 1 and -2 in IEEE 754, the highest byte first.
    ["f32", idx(0x0d, [2], 0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0), [2], [1, -2]],
    ["f64", idx(0x0e, [1], 0x3f, 0xf0, 0, 0, 0, 0, 0, 0), [1], [1]],
  ])("of %s is read with its highest byte first", (dtype, bytes, shape, values) => {
    const array = expectValue(readIdx(bytes, "a.idx"));
    expect(array.dtype).toBe(dtype);
    expect(array.shape).toEqual(shape);
    expect(Array.from(elementsOf(array) as Float64Array)).toEqual(values);
  });

  test("of bytes is written as it is read", () => {
    expect(writeIdx([2, 3], Uint8Array.of(1, 2, 3, 4, 5, 255))).toEqual(idx(8, [2, 3], 1, 2, 3, 4, 5, 255));
  });

  const expected =
    "E715 a.idx: expected an IDX file, which begins with 00 00, a type (08 09 0b 0c 0d 0e) and the number of axes; found ";
  test.each([
    [Uint8Array.of(), `${expected}an empty file`],
    [Uint8Array.of(1, 2, 3, 4, 5), `${expected}01 02 03 04`],
    [idx(0x0a, [1], 1), `${expected}00 00 0a 01`],
    [idx(0x08, []), `${expected}00 00 08 00`],
    [
      Uint8Array.of(0, 0, 8, 2, 0, 0),
      "E716 a.idx: the file is truncated: expected at least 12 bytes, found 6",
    ],
    [
      idx(0x08, [2, 3], 1, 2, 3, 4, 5),
      "E716 a.idx: u8[2, 3] takes 6 bytes, but the file has 5 after its header",
    ],
    [idx(0x0d, [1], 1, 2, 3, 4, 5), "E716 a.idx: f32[1] takes 4 bytes, but the file has 5 after its header"],
    [
      Uint8Array.of(0, 0, 8, 2, 255, 255, 255, 255, 255, 255, 255, 255),
      "E716 a.idx: u8[4294967295, 4294967295] takes 18446744065119617000 bytes, but the file has 0 after its header",
    ],
  ])("that is none, or not whole, is a problem", (bytes, message) => {
    expect(messageOf(readIdx(bytes, "a.idx"))).toBe(message);
  });
});

describe("a gzip file", () => {
  const content = new TextEncoder().encode("Call me Ishmael. ".repeat(50));
  const packed = new Uint8Array(gzipSync(content));

  test("is unpacked, and another file is left as it is", () => {
    expect(expectValue(gunzipIfPacked(packed, "a.gz"))).toEqual(content);
    expect(gunzipIfPacked(content, "a.txt")).toBe(content);
    expect(gunzipIfPacked(Uint8Array.of(), "empty")).toEqual(Uint8Array.of());
  });

  test("may have several members, one after the other, each with its own sum", () => {
    const members = [content, new Uint8Array(), content.subarray(0, 40)];
    const file = Buffer.concat(members.map((member) => gzipSync(member)));
    expect(expectValue(gunzipIfPacked(file, "a.gz"))).toEqual(new Uint8Array(Buffer.concat(members)));
    const twice = Buffer.concat([packed, packed]);
    expect(expectValue(gunzipIfPacked(twice, "a.gz")).length).toBe(2 * content.length);
    for (const damaged of [file.subarray(0, -1), twice.with(packed.length - 8, packed.at(-8)! ^ 1)])
      expect(messageOf(gunzipIfPacked(damaged, "a.gz"))).toContain("it is damaged");
  });

  const changed = (at: number, byte: number): Uint8Array => packed.with(at, byte);
  test.each([
    ["cut", packed.subarray(0, packed.length - 9)],
    ["only begun", packed.subarray(0, 5)],
    ["with another checksum", changed(packed.length - 8, packed.at(-8)! ^ 1)],
    ["that claims one byte less", changed(packed.length - 4, packed.at(-4)! - 1)],
    ["that claims one byte more", changed(packed.length - 4, packed.at(-4)! + 1)],
    ["that claims four gigabytes", changed(packed.length - 1, 0xff)],
    ["with another byte in its data", changed(14, packed[14]! ^ 0x55)],
  ])("%s is a problem", (_, bytes) => {
    expect(messageOf(gunzipIfPacked(bytes, "a.gz"))).toBe(
      "E717 a.gz: expected a gzip file, but it is damaged",
    );
  });
});
