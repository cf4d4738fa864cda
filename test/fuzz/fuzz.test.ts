import { expect, test } from "vitest";
import { inputOf, readOne } from "./one.ts";
import { Random, mutateBytes, mutateJson } from "./random.ts";
import { readers, type ReaderName } from "./readers.ts";

/** Of all readers together; `run.ts` reads a million, and measures what each takes. */
const INPUTS = 2000;

const names = Object.keys(readers) as ReaderName[];

test("the readers' shares are a thousand", () => {
  expect(names.reduce((sum, name) => sum + readers[name].share, 0)).toBe(1000);
});

test.each(names)("%s: read, or refused by a message that can be printed", { timeout: 0 }, (name) => {
  const count = Math.ceil((INPUTS * readers[name].share) / 1000);
  for (let index = 0; index < count; index++) {
    // What was thrown; seconds and bytes are the long run's, on a machine that does nothing else.
    const { failure } = readOne(name, 2, index);
    if (failure !== undefined && !/^[\d.]+ (s|MB)$/.test(failure)) expect.fail(`input ${index}: ${failure}`);
  }
});

test("an input follows from its seed and its number", () => {
  expect(inputOf("IR text", 1, 5)).toEqual(inputOf("IR text", 1, 5));
  expect(inputOf("IR text", 1, 5)).not.toEqual(inputOf("IR text", 1, 6));
  expect(inputOf("IR text", 1, 5)).not.toEqual(inputOf("IR text", 2, 5));
});

test("mutations change what they are given, and leave it as it is", () => {
  const bytes = Uint8Array.from({ length: 100 }, (_, index) => index);
  const value = { a: [1, 2, { b: "c" }], d: null };
  const before = JSON.stringify(value);
  const [changedBytes, changedValues] = [new Set<string>(), new Set<string>()];
  for (let index = 0; index < 50; index++) {
    changedBytes.add(String(mutateBytes(new Random(1, index), bytes)));
    changedValues.add(JSON.stringify([mutateJson(new Random(1, index), value)]));
  }
  expect(changedBytes.size).toBeGreaterThan(40);
  expect(changedValues.size).toBeGreaterThan(15);
  expect(bytes[99]).toBe(99);
  expect(JSON.stringify(value)).toBe(before);
});
