import { describe, expect, test } from "vitest";
import { randomParameters } from "../../src/ir/initialize.ts";
import { verifyProgram, type Program } from "../../src/ir/program.ts";
import { planGraph, planProgram } from "../../src/plan/build.ts";
import { planOfPart } from "../../src/plan/plan.ts";
import { verifyPlan } from "../../src/plan/verify.ts";
import { RandomStream, randomTensor } from "../../src/tensor/random.ts";
import { complaints } from "../emit/complaints.ts";
import { emitTypeScript } from "../../src/emit/ts/emit.ts";
import { executionDevice } from "../webgpu/device.ts";
import { cache, graphOf } from "./graphs.ts";
import { expectNear } from "./near.ts";
import { interpreted, passed, sessionTargets } from "./sessions.ts";

const device = await executionDevice();

/** Reads N rows at once, and one row after the last, of whose size the graph knows. */
const prefill = graphOf(cache);
const step = graphOf(
  cache
    .replace("  dim N <= 8\n", "")
    .replaceAll(/\bN \+ P\b/g, "P + 1")
    .replaceAll(/\bN\b/g, "1"),
);
const program: Program = { name: "decoder", parts: { prefill, step } };
const making = { parameters: randomParameters(prefill, 5), dims: { B: 1, C: 16 } };

describe("two graphs over one cache", () => {
  const { shared, parts } = planProgram(passed(program));

  test("have one of each weight, of each state and of what is prepared", () => {
    const alone = planGraph(passed(program).parts["prefill"]!);
    expect(shared.parameters).toEqual(alone.parameters);
    expect(shared.state).toEqual(alone.state);
    expect(shared.prepare.length).toBe(alone.prepare.length);
    expect(shared.prepare.length).toBeGreaterThan(0);
  });

  test("call what is theirs by the names that they would have alone", () => {
    const namesOf = (part: (typeof parts)[number]): string[] =>
      part.runBuffers.map((buffer) => shared.buffers[buffer]!.name);
    expect(namesOf(parts[1]!)).toEqual(namesOf(parts[0]!));
  });

  test("are right plans each", () => {
    for (const part of parts) {
      const plan = planOfPart({ name: "decoder", shared, parts }, part);
      expect(verifyPlan(plan, new Map(Object.entries({ B: 2, N: 3, P: 4, C: 9 })))).toEqual([]);
    }
  });

  test("are typed functions of one module", () => {
    const { text } = emitTypeScript({ name: "decoder", shared, parts }).files[0]!;
    expect(complaints(text)).toEqual([]);
    expect(text).toContain("readonly prefill: (inputs: PrefillInputs, dims: PrefillDims) => PrefillOutputs;");
    expect(text).toContain("readonly step: (inputs: StepInputs, dims: StepDims) => StepOutputs;");
  });

  test.each(sessionTargets(device))("give what the oracle gives, in turn, on $name", async ({ open }) => {
    const session = await open(program, making);
    const oracle = interpreted(program, making);
    let past = 0;
    for (const [part, length] of [
      ["prefill", 5],
      ["step", 1],
      ["step", 1],
      ["prefill", 3],
      ["step", 1],
    ] as const) {
      const x = randomTensor([1, length, 4], new RandomStream(past, "x"));
      const expected = await oracle.run(part, { x }, { P: past });
      expectNear(await session.run(part, { x }, { P: past }), expected);
      past += length;
    }
    expectNear(await session.readState(), await oracle.readState());
  });
});

test.each(sessionTargets(device))(
  "parts may be called what a module calls something of its own, on $name",
  async ({ open }) => {
    const parts = { encode: prefill, state: step, weights: prefill, memory: step };
    const odd: Program = { name: "odd", parts };
    const session = await open(odd, making);
    const oracle = interpreted(odd, making);
    for (const [past, part] of Object.keys(parts).entries()) {
      const x = randomTensor([1, 1, 4], new RandomStream(past, "x"));
      const expected = await oracle.run(part, { x }, { P: past });
      expectNear(await session.run(part, { x }, { P: past }), expected);
    }
  },
);

test("parts that disagree about a tensor are told apart", () => {
  const other = graphOf(cache.replaceAll("C <= 64", "C <= 32").replaceAll("f32[4, 4]", "f32[4, 4]"));
  expect(verifyProgram({ name: "p", parts: { a: prefill, b: other } })).toEqual([]);
  const wide = graphOf(
    cache.replaceAll("1, 4]", "2, 4]").replaceAll("N, 4]", "N, 8]").replaceAll("f32[4, 4]", "f32[8, 8]"),
  );
  const parted: Program = { name: "p", parts: { a: prefill, b: wide } };
  const message = "wk is a parameter f32[8, 8] in b, but a parameter f32[4, 4] in a";
  expect(verifyProgram(parted)[0]).toBe(message);
  expect(() => planProgram(parted)).toThrow(message);
});

test("parts that no function may be called as are told", () => {
  const named = (...names: readonly string[]): string[] =>
    verifyProgram({ name: "p", parts: Object.fromEntries(names.map((name) => [name, prefill])) });
  expect(named("prefill", "step")).toEqual([]);
  expect(named("any text at all")).toEqual([]);
  expect(named("a", "b-c")).toEqual([`the part "b-c" is called as no function may be`]);
  expect(named("step", "Step")).toEqual(["the parts step and Step differ in a capital letter alone"]);
});

test.each(sessionTargets(undefined))("what parts share keeps 0 and -0 apart in $name", async ({ open }) => {
  const graph = (zero: string) =>
    graphOf(`graph g {
  %zero: f32[3] = full(dtype: f32, shape: [3], value: ${zero})
  output y = %zero
}
`);
  const signs: Program = { name: "signs", parts: { plus: graph("0"), minus: graph("-0") } };
  const session = await open(signs, { parameters: {}, dims: {} });
  expect((await session.run("plus", {}))["y"]!.data[0]).toBe(0);
  expect((await session.run("minus", {}))["y"]!.data[0]).toBe(-0);
});
