import { deflateRawSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { crc32 } from "../../src/checkpoint/crc32.ts";
import { writeIdx } from "../../src/checkpoint/idx.ts";
import { writeNpy } from "../../src/checkpoint/npy.ts";
import { readNpz } from "../../src/checkpoint/npz.ts";
import { writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { toStored } from "../../src/checkpoint/stored.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { contentOf, textOf } from "../../src/train/data/source.ts";
import { expectValue, fileWith, messageOf } from "./fixtures.ts";

const MB = 1_000_000;
const zeros = new Uint8Array(100 * MB);
/** 100 MB of zeros, in gzip, behind what a file begins with. */
const bomb = (start: Uint8Array): Uint8Array => gzipSync(Buffer.concat([start, zeros]));
/** The same with its end destroyed: whoever unpacks all of it says that it is damaged. */
const broken = (start: Uint8Array): Uint8Array => {
  const file = bomb(start);
  return file.fill(0x55, Math.floor(file.length / 2));
};

const header = (shape: string): Uint8Array => {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117);
  return Buffer.concat([Uint8Array.of(0x93), Buffer.from("NUMPY\x01\x00\x76\x00"), Buffer.from(`${text}\n`)]);
};

const read = (bytes: Uint8Array): string => messageOf(contentOf({ name: "f.gz", bytes }));

describe("a gzip file is unpacked to the size that its own header says", () => {
  const array = hostTensor("f32", [2, 3], [1, 2, 3, 4, 5, 6]);
  const npy = writeNpy(array);
  const idx = writeIdx([2, 2], Uint8Array.of(1, 2, 3, 4));
  const safetensors = writeSafetensors(new Map([["a", toStored(array)]]));

  test.each([
    ["npy", npy],
    ["idx", idx],
    ["safetensors", safetensors],
  ])("%s, and is read if it is just that", (_format, file) => {
    const content = expectValue(contentOf({ name: "f.gz", bytes: gzipSync(file) }));
    expect(content).toStrictEqual(expectValue(contentOf({ name: "f", bytes: file })));
  });

  test.each([
    ["npy", npy],
    ["idx", idx],
    ["safetensors", safetensors],
  ])("%s, and no further", (_format, file) => {
    expect(read(broken(file))).toBe(
      `E717 f.gz: more comes out of it than the ${file.length} B that its header says`,
    );
  });

  test("that ends before is damaged or too short, not filled with zeros", () => {
    expect(read(gzipSync(npy.subarray(0, -4)))).toBe(
      "E713 f.gz: f32[2, 3] takes 24 bytes, but the file has 20 after its header",
    );
    expect(read(gzipSync(idx.subarray(0, -1)))).toContain("E716 f.gz: u8[2, 2] takes 4 bytes");
    expect(read(gzipSync(safetensors.subarray(0, -1)))).toContain("E701 f.gz: the file is truncated");
    expect(read(gzipSync(npy.subarray(0, 40)))).toContain("E711 f.gz: the file is truncated");
  });
});

describe("a file that unpacks to far more than it has is refused before", () => {
  const refusal =
    /^E717 f\.gz: its \d+(\.\d+)? kB unpack to more than 64\.0 MB, as what is made to fill a memory does/;

  test.each([
    [
      "a header that is none",
      Buffer.from("\x93NUMPY", "latin1"),
      /^E711 f\.gz: \.npy version 0 is not known/,
    ],
    ["an honest header of .npy", header("(25000000,)"), refusal],
    ["a header of .npy with a size beyond all files", header("(9999999999, 9999999999)"), refusal],
    ["an honest header of IDX", Uint8Array.of(0, 0, 8, 1, 5, 0xf5, 0xe1, 0), refusal],
    [
      "a header of safetensors",
      fileWith('{"a":{"dtype":"U8","shape":[100000000],"data_offsets":[0,100000000]}}'),
      refusal,
    ],
    ["a header of safetensors that has no end", Uint8Array.of(0, 0xe1, 0xf5, 5, 0, 0, 0, 0, 0x7b), refusal],
  ])("with %s", (_what, start, message) => {
    expect(read(broken(start))).toMatch(message);
  });

  test("as a text", () => {
    expect(messageOf(textOf({ name: "f.gz", bytes: broken(Buffer.from("text ")) }))).toMatch(refusal);
  });

  test("but a text that packs well, and what is small, is unpacked", () => {
    const text = "a ".repeat(MB);
    expect(expectValue(textOf({ name: "f.gz", bytes: gzipSync(text) }))).toBe(text);
    expect(expectValue(contentOf({ name: "f.gz", bytes: gzipSync(new Uint8Array(60 * MB)) }))).toBe("text");
  });
});

interface Member {
  readonly name: string;
  readonly method?: number;
  readonly flags?: number;
  readonly packed: Uint8Array;
  readonly size: number;
  readonly crc?: number;
}

const words = (...values: readonly (readonly [bytes: 2 | 4, value: number])[]): Buffer =>
  Buffer.concat(
    values.map(([bytes, value]) => {
      const word = Buffer.alloc(bytes);
      word.writeUIntLE(value, 0, bytes);
      return word;
    }),
  );

/** A zip archive with whatever its directory says (APPNOTE.TXT 4.3). */
function zip(...members: readonly Member[]): Uint8Array {
  const locals: Buffer[] = [];
  const entries: Buffer[] = [];
  let at = 0;
  for (const { name, method = 8, flags = 0, packed, size, crc = 0 } of members) {
    const said = words(
      [2, flags],
      [2, method],
      [4, 0],
      [4, crc],
      [4, packed.length],
      [4, size],
      [2, name.length],
      [2, 0],
    );
    const local = Buffer.concat([words([4, 0x04034b50], [2, 20]), said, Buffer.from(name), packed]);
    entries.push(
      Buffer.concat([
        words([4, 0x02014b50], [2, 20], [2, 20]),
        said,
        words([2, 0], [2, 0], [2, 0], [4, 0], [4, at]),
        Buffer.from(name),
      ]),
    );
    locals.push(local);
    at += local.length;
  }
  const directory = Buffer.concat(entries);
  const count = members.length;
  return Buffer.concat([
    ...locals,
    directory,
    words([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, directory.length], [4, at], [2, 0]),
  ]);
}

describe("a .npz file", () => {
  const npy = writeNpy(hostTensor("f32", [2], [1, 2]));
  const whole: Member = { name: "a.npy", packed: deflateRawSync(npy), size: npy.length, crc: crc32(npy) };
  const damaged = "E714 f.npz: expected a .npz file, but the zip archive is damaged";
  const refused = (...members: readonly Member[]): string => messageOf(readNpz(zip(...members), "f.npz"));

  test("is read if its directory says what its members are", () => {
    const stored = { ...whole, name: "b.npy", method: 0, packed: npy };
    const arrays = expectValue(readNpz(zip(whole, stored), "f.npz"));
    expect([...arrays].map(([name, { data }]) => [name, [...data]])).toStrictEqual([
      ["a", [1, 2]],
      ["b", [1, 2]],
    ]);
  });

  test("whose member holds more than the directory says is damaged, and nothing beyond is unpacked", () => {
    const packed = deflateRawSync(Buffer.concat([npy, zeros]));
    expect(refused({ ...whole, packed })).toBe(damaged);
    expect(refused({ ...whole, size: npy.length - 1 })).toBe(damaged);
    expect(refused({ ...whole, size: npy.length + 1 })).toBe(damaged);
  });

  test("whose member has another checksum is damaged", () => {
    expect(refused({ ...whole, crc: (whole.crc! ^ 1) >>> 0 })).toBe(damaged);
  });

  test("whose members together hold more than its size allows is refused before one is unpacked", () => {
    const packed = deflateRawSync(zeros).subarray(0, 50_000);
    expect(
      refused({ ...whole, packed, size: 30 * MB }, { ...whole, name: "b.npy", packed, size: 35 * MB }),
    ).toMatch(/^E714 f\.npz: its 100 kB unpack to more than 64\.0 MB/);
  });

  test("with a name twice, a secret or another packing is refused by name", () => {
    expect(refused(whole, whole)).toBe("E714 f.npz: `a.npy` stands twice in it");
    expect(refused({ ...whole, flags: 1 })).toContain(
      "E714 f.npz: `a.npy` is encrypted, which cannot be read",
    );
    expect(refused({ ...whole, method: 93 })).toContain("`a.npy` is packed by method 93 of zip");
  });

  test("whose directory is cut or points elsewhere is damaged", () => {
    const file = zip(whole);
    for (let length = 1; length < file.length; length++)
      expect(messageOf(readNpz(file.subarray(0, length), "f.npz"))).toBe(damaged);
    const directory = new DataView(new Uint8Array(file).buffer).getUint32(file.length - 6, true);
    for (const place of [file.length - 6, directory + 42, directory + 28]) {
      const other = new Uint8Array(file);
      other[place + 1] = 0xff;
      expect(messageOf(readNpz(other, "f.npz"))).toBe(damaged);
    }
  });
});
