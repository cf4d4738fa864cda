import { describe, expect, test } from "vitest";
import { readSafetensors, writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { toFloat32, toHostTensor, toStored, type StoredTensor } from "../../src/checkpoint/stored.ts";
import { dtypes } from "../../src/tensor/dtype.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { expectValue, fileWith, fixture, fixtureValues, messageOf } from "./fixtures.ts";

const reference = expectValue(readSafetensors(fixture("dtypes.safetensors"), "dtypes.safetensors"));

const valuesOf = (name: string): number[] =>
  Array.from(expectValue(toHostTensor(reference.tensors.get(name)!, name)).data);

describe("a file written by the reference implementation", () => {
  test.each([
    ["f64", [Math.PI, -1e300, 5e-324]],
    ["f32", [1.5, Math.fround(-0.1), Infinity, Math.fround(3e-45)]],
    ["f16", fixtureValues["halves"]!.values],
    ["bf16", [0, -0, 1, -2.5, 0.15625, 3.3895313892515355e38]],
    ["i64", [-(2 ** 31), 2 ** 31 - 1, 0]],
    ["i32", [-7, 2 ** 31 - 1]],
    ["u32", [7, 2 ** 31 - 1]],
    ["i16", [-32768, 32767]],
    ["i8", [-128, 127, 0]],
    ["u8", [0, 255]],
    ["bool", [1, 0, 1]],
    ["scalar", [42]],
    ["empty", []],
  ])("holds the %s values that were put in", (name, values) => {
    expect(valuesOf(name)).toStrictEqual(values);
  });

  test("has its metadata and shapes", () => {
    expect(Object.fromEntries(reference.metadata)).toStrictEqual({ made_by: "safetensors", note: "größer" });
    expect(reference.tensors.get("empty")?.shape).toStrictEqual([0, 3]);
    expect(reference.tensors.get("scalar")?.shape).toStrictEqual([]);
  });

  test("is written back byte for byte, but for the order of equally wide tensors", () => {
    const again = expectValue(
      readSafetensors(writeSafetensors(reference.tensors, reference.metadata), "again"),
    );
    expect(new Map([...again.tensors].sort())).toStrictEqual(new Map([...reference.tensors].sort()));
    expect(again.metadata).toStrictEqual(reference.metadata);
  });
});

test.each(dtypes)("%s tensors survive writing and reading", (dtype) => {
  const values = dtype === "bool" ? [0, 1, 1, 0] : [0, 1, 2, 127];
  const file = writeSafetensors(new Map([["t", toStored(hostTensor(dtype, [2, 2], values))]]));
  const stored = expectValue(readSafetensors(file, "file")).tensors.get("t")!;
  expect(expectValue(toHostTensor(stored, "t"))).toStrictEqual(hostTensor(dtype, [2, 2], values));
  expect(toFloat32(stored)).toStrictEqual(Float32Array.from(values));
});

test("storing rounds to the nearest half, ties to even, and keeps signs, infinities and NaN", () => {
  const values = [1 + 2 ** -11, 1 + 3 * 2 ** -11, -0, 65520, -Infinity, NaN, 2 ** -25, 2 ** -24];
  const stored = toStored(hostTensor("f16", [8], values));
  expect(toFloat32(stored)).toStrictEqual(
    Float32Array.of(1, 1 + 2 ** -9, -0, Infinity, -Infinity, NaN, 0, 2 ** -24),
  );
});

test("float32 values stored as bf16 keep their upper half", () => {
  expect(toFloat32(toStored(hostTensor("f32", [3], [1 + 2 ** -8, -3.140625, NaN]), "bf16"))).toStrictEqual(
    Float32Array.of(1, -3.140625, NaN),
  );
});

test("a tensor that is not aligned in its file is read", () => {
  const header = `{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}}`;
  const data = new Uint8Array(5);
  new DataView(data.buffer).setFloat32(1, 0.5, true);
  const { tensors } = expectValue(readSafetensors(fileWith(header, data), "file"));
  expect(toFloat32(tensors.get("b")!)).toStrictEqual(Float32Array.of(0.5));
});

test("a tensor named __proto__ is a tensor like any other", () => {
  const header = `{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`;
  const { tensors } = expectValue(readSafetensors(fileWith(header, Uint8Array.of(3)), "file"));
  expect([...tensors.keys()]).toStrictEqual(["__proto__"]);
  const again = expectValue(readSafetensors(writeSafetensors(tensors), "again"));
  expect(again.tensors.get("__proto__")?.bytes).toStrictEqual(Uint8Array.of(3));
});

test("an integer that needs more than 32 bits is refused where the interpreter would need it", () => {
  const stored: StoredTensor = {
    dtype: "i64",
    shape: [2],
    bytes: new Uint8Array(BigInt64Array.of(1n, 2n ** 40n).buffer),
  };
  expect(messageOf(toHostTensor(stored, "ids.npy"))).toBe(
    "E708 ids.npy: element 1 is 1099511627776, which does not fit in 32 bits with a sign",
  );
  expect(toFloat32(stored)).toStrictEqual(Float32Array.of(1, 2 ** 40));
});

/** One tensor's header entry, with parts replaced. */
const entry = (parts: string): string => `{"w":${parts}}`;

describe("a damaged or hostile file gives one message", () => {
  const lengthOnly = (length: bigint): Uint8Array => {
    const file = new Uint8Array(16);
    new DataView(file.buffer).setBigUint64(0, length, true);
    return file;
  };
  const cases: [string, Uint8Array, string][] = [
    [
      "is empty",
      new Uint8Array(),
      "E701 m: expected a safetensors file, which has at least 8 bytes, found 0",
    ],
    [
      "has no header",
      Uint8Array.of(1, 2),
      "E701 m: expected a safetensors file, which has at least 8 bytes, found 2",
    ],
    [
      "ends in its header",
      lengthOnly(900n),
      "E701 m: the file is truncated: the header has 900 bytes, but only 8 follow",
    ],
    [
      "claims a huge header",
      lengthOnly(2n ** 63n),
      "E702 m: the header claims 9223372036854775808 bytes; the limit is 100000000 | is this a safetensors file?",
    ],
    [
      "is a pointer of Git LFS",
      new TextEncoder().encode("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"),
      "E702 m: the header claims 2336927755350992246 bytes; the limit is 100000000 | this is a pointer of Git LFS; `git lfs pull` fetches the file itself",
    ],
    [
      "begins with a byte order mark",
      fileWith(Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d)),
      "E703 m: the text is not valid JSON; it begins with a byte order mark, which has no place there",
    ],
    [
      "is no UTF-8",
      fileWith(Uint8Array.of(0x7b, 0xff, 0x7d)),
      "E703 m: the text is not valid UTF-8: byte 1, in line 1, is ff",
    ],
    [
      "is no JSON",
      fileWith(`{"w": nope}`),
      'E703 m: the text is not valid JSON; it begins with `{"w": nope}`',
    ],
    ["stops in its JSON", fileWith(`{"w":`), 'E703 m: the text is not valid JSON; it begins with `{"w":`'],
    ["is a list", fileWith(`[1]`), "E703 m: expected a JSON object, found a list"],
    ["is null", fileWith(`null`), "E703 m: expected a JSON object, found null"],
    ["is blank", fileWith(`   `), "E703 m: the text is not valid JSON; it is empty"],
    ["has a key twice", fileWith(`{"w":{},"w":{}}`), "E703 m: the key `w` stands twice in one object"],
    [
      "has a key twice, once escaped",
      fileWith(`{"w":1,"\\u0077":2}`),
      "E703 m: the key `w` stands twice in one object",
    ],
    [
      "has an entry that is none",
      fileWith(entry(`7`)),
      "E704 m: tensor `w` must be an object with dtype, shape and data_offsets, found 7",
    ],
    ["has no dtype", fileWith(entry(`{}`)), "E704 m: tensor `w` has no dtype"],
    [
      "has an unknown dtype",
      fileWith(entry(`{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}`), new Uint8Array(1)),
      "E705 m: tensor `w` has the dtype `F8_E4M3`; known are F64 F32 F16 BF16 I64 I32 U32 I16 I8 U8 BOOL",
    ],
    [
      "has a dtype in small letters",
      fileWith(entry(`{"dtype":"f32"}`)),
      "E705 m: tensor `w` has the dtype `f32`; known are F64 F32 F16 BF16 I64 I32 U32 I16 I8 U8 BOOL",
    ],
    ["has no shape", fileWith(entry(`{"dtype":"F32"}`)), "E704 m: tensor `w` has no shape"],
    [
      "has a negative size",
      fileWith(entry(`{"dtype":"F32","shape":[2,-1],"data_offsets":[0,0]}`)),
      "E704 m: tensor `w`: shape must be a list of whole numbers from 0, found [2, -1]",
    ],
    [
      "has a broken size",
      fileWith(entry(`{"dtype":"F32","shape":[1.5],"data_offsets":[0,6]}`)),
      "E704 m: tensor `w`: shape must be a list of whole numbers from 0, found [1.5]",
    ],
    [
      "has a size beyond all files",
      fileWith(entry(`{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}`)),
      "E704 m: tensor `w` has the shape [4294967296, 4294967296], which is too large for any file",
    ],
    [
      "has bytes that do not fit the shape",
      fileWith(entry(`{"dtype":"F32","shape":[2,3],"data_offsets":[0,20]}`), new Uint8Array(20)),
      "E707 m: tensor `w`: f32[2, 3] takes 24 bytes, but its data_offsets span 20",
    ],
    [
      "has more bytes than the shape takes",
      fileWith(entry(`{"dtype":"F32","shape":[2,3],"data_offsets":[0,28]}`), new Uint8Array(28)),
      "E707 m: tensor `w`: f32[2, 3] takes 24 bytes, but its data_offsets span 28",
    ],
    [
      "has offsets the wrong way round",
      fileWith(entry(`{"dtype":"F32","shape":[1],"data_offsets":[4,0]}`), new Uint8Array(4)),
      "E706 m: tensor `w`: data_offsets must be [begin, end], found [4, 0]",
    ],
    [
      "has three offsets",
      fileWith(entry(`{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}`), new Uint8Array(4)),
      "E706 m: tensor `w`: data_offsets must be [begin, end], found [0, 4, 8]",
    ],
    [
      "lacks the end of its data",
      fileWith(entry(`{"dtype":"F32","shape":[4],"data_offsets":[0,16]}`), new Uint8Array(12)),
      "E701 m: the file is truncated: `w` ends at byte 79, the file has 75",
    ],
    [
      "has bytes behind the last tensor",
      fileWith(entry(`{"dtype":"U8","shape":[1],"data_offsets":[0,1]}`), new Uint8Array(4)),
      "E706 m: the last 3 bytes belong to no tensor",
    ],
    [
      "has a hole",
      fileWith(entry(`{"dtype":"U8","shape":[1],"data_offsets":[2,3]}`), new Uint8Array(3)),
      "E706 m: 2 bytes before `w` belong to no tensor",
    ],
    [
      "has tensors that overlap",
      fileWith(
        `{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`,
        new Uint8Array(3),
      ),
      "E706 m: the bytes of `b` overlap those of `a`",
    ],
    [
      "has metadata that is no object",
      fileWith(`{"__metadata__":[1]}`),
      "E704 m: `__metadata__` must be an object of texts, found [1]",
    ],
    [
      "has metadata that is no text",
      fileWith(`{"__metadata__":{"a":null}}`),
      "E704 m: `__metadata__` must hold texts, but `a` is null",
    ],
    [
      "has control characters in a name",
      fileWith(`{"a\\u001b[31m":{}}`),
      "E704 m: tensor `a\\u001b[31m` has no dtype",
    ],
  ];
  test.each(cases)("when it %s", (_when, file, message) => {
    expect(messageOf(readSafetensors(file, "m"))).toBe(message);
  });

  test("and a name of megabytes is cut in it", () => {
    const message = messageOf(readSafetensors(fileWith(`{"${"x".repeat(3e6)}":{}}`), "m"));
    expect(message).toBe(`E704 m: tensor \`${"x".repeat(80)}…\` has no dtype`);
  });

  test("and deep nesting ends in a message too", () => {
    const file = fileWith(`{"w":${"[".repeat(200_000)}${"]".repeat(200_000)}}`);
    expect(messageOf(readSafetensors(file, "m"))).toBe("E703 m: the JSON nests more than 100 levels deep");
  });
});
