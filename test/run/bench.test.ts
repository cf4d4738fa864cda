import { describe, expect, test } from "vitest";
import { openCeilings } from "../../src/run/bench/ceilings.ts";
import { limitOf, speedAt } from "../../src/run/bench/limits.ts";
import { openSubject } from "../../src/run/bench/subject.ts";
import { Problem } from "../../src/checkpoint/problem.ts";
import { emitTypeScript } from "../../src/emit/ts/emit.ts";
import { emitWasm } from "../../src/emit/wasm/emit.ts";
import { planOf } from "../plan/graphs.ts";

/** A machine of 100 operations a second that reads 64 bytes a second near by and 4 far away, and copies half as fast. */
const ceilings = {
  threads: 1,
  flops: 100,
  speeds: [
    { bytes: 16, read: 64, copy: 32 },
    { bytes: 256, read: 4, copy: 2 },
  ],
};

describe("the limit of a stage is the ceiling that it takes longest for", () => {
  const access = (bytes: number, distance: number, isWrite = false) => ({ bytes, distance, isWrite });

  test("operations, or bytes from where they lie", () => {
    expect(limitOf({ flops: 200, accesses: [access(64, 16)] }, ceilings)).toEqual({
      by: "compute",
      seconds: 2,
    });
    expect(limitOf({ flops: 200, accesses: [access(64, 256)] }, ceilings)).toEqual({
      by: "memory",
      seconds: 16,
    });
    expect(limitOf({ flops: 200, accesses: [access(64, 1e9)] }, ceilings)).toEqual({
      by: "memory",
      seconds: 16,
    });
  });

  test("a copy takes as long as it was measured to: half of its bytes are read, half are written", () => {
    const copied = { flops: 0, accesses: [access(8, 16), access(8, 16, true)] };
    expect(limitOf(copied, ceilings).seconds).toBeCloseTo(16 / 32, 12);
  });

  test("between two sizes, speed falls on the line of logarithms", () => {
    expect(speedAt(64, ceilings.speeds).read).toBeCloseTo(16, 12);
    expect(speedAt(1, ceilings.speeds)).toEqual({ bytes: 1, read: 64, copy: 32 });
  });
});

const plan = planOf(`
  input %x: f32[4, 8]
  parameter %w: f32[16, 8] = normal(0, 1) "w"
  %h: f32[4, 16] = linear(x: %x, weight: %w) label "up"
  %y: f32[4, 16] = softmax(x: %h) label "soft"
  output y = %y`);

/** The value of every weight, and of the inputs. */
const given = {
  weights: { w: { data: Float32Array.from({ length: 128 }, (_, i) => Math.sin(i)), shape: [16, 8] } },
  inputs: { x: { data: Float32Array.from({ length: 32 }, (_, i) => Math.cos(i)), shape: [4, 8] } },
};

describe.each([
  ["ts", 1],
  ["wasm", 1],
  ["wasm", 3],
] as const)("%s, threads: %i", (target, threads) => {
  test("has a time for each stage, and the same results before and after they are taken", async () => {
    const subject = await openSubject(target, plan, given, { threads });
    if (subject instanceof Problem) throw new Error(subject.message);
    const before = await subject.run();
    for (let pass = 0; pass < 3; pass++) {
      const times = await subject.profile();
      expect(times.threads).toBe(threads);
      expect(times.steps).toHaveLength(subject.stages.length);
      expect(times.steps.every((time) => time >= 0)).toBe(true);
    }
    expect(await subject.run()).toEqual(before);
    expect(subject.stages).toHaveLength(2);
    subject.close();
  });
});

test("only modules that are asked to time steps have anything of it", () => {
  const [usual] = emitWasm(plan, { types: false }).files;
  const [profiled] = emitWasm(plan, { types: false, profiles: true }).files;
  expect(usual!.text).not.toMatch(/profil/);
  expect(profiled!.text).toMatch(/profilerOf/);
  expect(emitWasm(plan, { types: false, profiles: false }).files[0]!.text).toBe(usual!.text);
  const [plain] = emitTypeScript(plan, { types: false }).files;
  expect(plain!.text).not.toMatch(/clock/);
  expect(emitTypeScript(plan, { types: false, profiles: true }).files[0]!.text).toMatch(/clock\.push/);
});

test("values that are called as the clock is keep out of its way", () => {
  const named = planOf(`
    input %clock: f32[4]
    %performance: f32[4] = elementwise(inputs: [%clock], program: { exp(i0) })
    output y = %performance`);
  const [file] = emitTypeScript(named, { types: false, profiles: true }).files;
  expect(file!.text).toMatch(/clock_1/);
  expect(file!.text).not.toMatch(/(const|let) (clock|performance) = (?!\[\])/);
});

test.each([1, 2])("the ceilings, threads: %i, are numbers that rise with rounds", async (threads) => {
  const finder = await openCeilings(threads);
  if (finder instanceof Problem) throw new Error(finder.message);
  await finder.round();
  const first = structuredClone(finder.best());
  await finder.round();
  const second = finder.best();
  finder.close();
  expect(first.threads).toBe(threads);
  expect(second.flops).toBeGreaterThanOrEqual(first.flops);
  for (const [index, { read, copy }] of first.speeds.entries()) {
    expect(read).toBeGreaterThan(0);
    expect(second.speeds[index]!.read).toBeGreaterThanOrEqual(read);
    expect(second.speeds[index]!.copy).toBeGreaterThanOrEqual(copy);
  }
});
