import fc from "fast-check";
import { expect, test } from "vitest";
import { readNpy } from "../../src/checkpoint/npy.ts";
import { readNpz } from "../../src/checkpoint/npz.ts";
import { Problem } from "../../src/checkpoint/problem.ts";
import { readSafetensors } from "../../src/checkpoint/safetensors.ts";
import { toFloat32 } from "../../src/checkpoint/stored.ts";
import { sizeOf } from "../../src/tensor/host.ts";
import { fileWith, fixture } from "./fixtures.ts";

const runs = { numRuns: 2000, seed: 7 };

/** Every outcome is a value: a problem with a code and a text, or tensors whose elements fill their shapes. */
function expectSound(file: Uint8Array): void {
  const result = readSafetensors(file, "f");
  if (result instanceof Problem) {
    expect(result.code).toMatch(/^E70\d$/);
    expect(result.message.length).toBeLessThan(400);
  } else
    for (const tensor of result.tensors.values()) {
      expect(tensor.bytes.length).toBeLessThanOrEqual(file.length);
      expect(toFloat32(tensor).length).toBe(sizeOf(tensor.shape));
    }
}

/** A valid file with some bytes replaced and its end cut off. */
const mutated = (bytes: Uint8Array): fc.Arbitrary<Uint8Array> =>
  fc
    .record({
      edits: fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 6 }),
      length: fc.oneof(fc.constant(bytes.length), fc.nat(bytes.length)),
    })
    .map(({ edits, length }) => {
      const copy = bytes.slice(0, length);
      for (const [at, byte] of edits) if (at < length) copy[at] = byte;
      return copy;
    });

test("any bytes are a safetensors file or a problem", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), expectSound), runs);
});

test("any JSON header is accepted or a problem", () => {
  const anyHeader = fc.oneof(
    fc.json(),
    fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value)),
  );
  fc.assert(
    fc.property(anyHeader, fc.uint8Array({ maxLength: 40 }), (json, data) =>
      expectSound(fileWith(json, data)),
    ),
    runs,
  );
});

test("headers of the right form with wild numbers are accepted or a problem", () => {
  const size = fc.oneof(fc.nat(8), fc.integer(), fc.constantFrom(-1, 2 ** 53, 1e300, 0.5));
  const tensor = fc.record({
    dtype: fc.constantFrom("F32", "F16", "BOOL", "I64", "BF16", "F8_E5M2"),
    shape: fc.array(size, { maxLength: 3 }),
    data_offsets: fc.array(size, { minLength: 1, maxLength: 3 }),
  });
  const header = fc.dictionary(fc.constantFrom("a", "b", "__proto__", "__metadata__"), tensor);
  fc.assert(
    fc.property(header, fc.uint8Array({ maxLength: 40 }), (fields, data) =>
      expectSound(fileWith(JSON.stringify(fields), data)),
    ),
    runs,
  );
});

test("a mutated safetensors file is accepted or a problem", () => {
  fc.assert(fc.property(mutated(fixture("dtypes.safetensors")), expectSound), runs);
});

test.each(["f4.npy", "f8_fortran.npy", "i8_version3.npy"])(
  "a mutated %s is accepted or a problem",
  (name) => {
    fc.assert(
      fc.property(mutated(fixture(name)), (bytes) => {
        const result = readNpy(bytes, "f");
        if (result instanceof Problem) expect(result.code).toMatch(/^E7(11|12|13|08)$/);
        else expect(result.data.length).toBe(sizeOf(result.shape));
      }),
      runs,
    );
  },
);

test.each(["stored.npz", "deflated.npz"])("a mutated %s is accepted or a problem", (name) => {
  fc.assert(
    fc.property(mutated(fixture(name)), (bytes) => {
      const result = readNpz(bytes, "f");
      if (result instanceof Problem) expect(result.code).toMatch(/^E7(11|12|13|14|08)$/);
      else for (const array of result.values()) expect(array.data.length).toBe(sizeOf(array.shape));
    }),
    runs,
  );
});
