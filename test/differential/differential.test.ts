import { describe, expect, test } from "vitest";
import type { Buffer, Plan } from "../../src/plan/plan.ts";
import { verifyPlan } from "../../src/plan/verify.ts";
import { executionDevice } from "../webgpu/device.ts";
import {
  check,
  checkStates,
  expectationsOf,
  typeScriptStateTolerance,
  typeScriptTolerance,
  float32StateTolerance,
  webgpuTolerance,
  type Tolerance,
} from "./compare.ts";
import {
  forms,
  planOf,
  typeScriptEngine,
  typeScriptStates,
  webassemblyEngine,
  webassemblyStates,
  webgpuEngine,
  webgpuStates,
  type Engine,
} from "./engines.ts";
import { randomCase, type Case } from "./generate.ts";
import { shrink } from "./shrink.ts";
import { randomStates, randomTraining } from "./states.ts";

const device = await executionDevice();

/** Seeds that begin with `first`; a run of other seeds is `main.ts`. */
const seeds = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => first + index);

/** The first difference of graphs by seed, in two forms each, as a sentence. */
async function firstDifference(
  first: number,
  count: number,
  engine: Engine,
  tolerance: Tolerance,
): Promise<string> {
  for (const seed of seeds(first, count)) {
    const given = randomCase(seed);
    const expected = expectationsOf(given);
    for (const form of [forms[seed % 2]!, "fused"] as const) {
      const { problem } = await check(given, form, engine, tolerance, { expected });
      if (problem !== undefined)
        return `seed ${seed}, ${form}: ${problem}; npx tsx test/differential/main.ts makes it small`;
    }
  }
  return "none";
}

const statesOf = (seed: number) => (seed % 2 === 0 ? randomStates(seed) : randomTraining(seed));

describe("random graphs compute what the interpreter computes, none of their values observed", () => {
  test.each(seeds(0, 10))("in TypeScript, part %i of 250", async (part) => {
    expect(await firstDifference(1_000_000 + 25 * part, 25, typeScriptEngine, typeScriptTolerance)).toBe(
      "none",
    );
  });

  test.each(seeds(0, 6))("in WebAssembly, part %i of 150", async (part) => {
    expect(await firstDifference(5_000_000 + 25 * part, 25, webassemblyEngine, typeScriptTolerance)).toBe(
      "none",
    );
  });

  test.skipIf(device === undefined).each(seeds(0, 10))("in WGSL, part %i of 20", async (part) => {
    expect(await firstDifference(2_000_000 + 2 * part, 2, webgpuEngine(device!), webgpuTolerance)).toBe(
      "none",
    );
  });
});

describe("states that runs keep, training steps, and what evaluates after them", () => {
  const cpus = [
    { name: "TypeScript", engine: typeScriptStates, tolerance: typeScriptStateTolerance },
    { name: "WebAssembly", engine: webassemblyStates, tolerance: float32StateTolerance },
  ];
  const parts = cpus.flatMap((cpu) => seeds(0, 5).map((part) => ({ ...cpu, part })));
  test.each(parts)("in $name, part $part", async ({ engine, tolerance, part }) => {
    let ran = 0;
    for (const seed of seeds(3_000_000 + 6 * part, 6)) {
      const given = statesOf(seed);
      if (given === undefined) continue;
      ran++;
      const { problem } = await checkStates(given, engine, tolerance);
      expect(problem, `seed ${seed}`).toBeUndefined();
    }
    expect(ran).toBeGreaterThan(0);
  });

  test.skipIf(device === undefined).each(seeds(4_000_000, 4))("in WGSL, seed %i", async (seed) => {
    const given = statesOf(seed);
    if (given === undefined) return;
    const { problem } = await checkStates(given, webgpuStates(device!), float32StateTolerance);
    expect(problem).toBeUndefined();
  });
});

/** Puts the result of a product where its input lies, if that is also what is added to it: what the check must find. */
function withForgottenRole(plan: Plan): Plan {
  const taken = new Map<number, Buffer["home"]>();
  for (const { op, operands, results } of plan.steps) {
    if (op !== "linear_epilogue") continue;
    const { x, extras } = operands;
    const [from, to] = [x.buffer, results[0]!.buffer].map((buffer) => plan.buffers[buffer]!);
    const isBoth = extras.some(({ buffer }) => buffer === x.buffer);
    if (
      isBoth &&
      from!.home.kind === "slot" &&
      to!.home.kind === "slot" &&
      from!.elements.key === to!.elements.key
    )
      taken.set(results[0]!.buffer, from!.home);
  }
  return {
    ...plan,
    buffers: plan.buffers.map((buffer, index) => ({ ...buffer, home: taken.get(index) ?? buffer.home })),
  };
}

test("a product that is written over its own input is found by the check of plans and by its numbers, and made small", async () => {
  const broken: Engine = (plan, ...rest) => typeScriptEngine(withForgottenRole(plan), ...rest);
  const fails = async (given: Case): Promise<boolean> => {
    const { problem } = await check(given, "fused", broken, typeScriptTolerance);
    return problem?.startsWith("run ") === true;
  };
  const failing: Case[] = [];
  for (let seed = 0; failing.length === 0 && seed < 1000; seed++) {
    const given = randomCase(seed);
    const plan = planOf(given.graph, "fused");
    if (withForgottenRole(plan).buffers.every(({ home }, index) => home === plan.buffers[index]!.home))
      continue;
    if (await fails(given)) failing.push(given);
  }
  const smallest = await shrink(failing[0]!, fails);
  expect(smallest.graph.nodes.map(({ op }) => op)).toContain("linear");
  expect(smallest.graph.nodes.length).toBeLessThanOrEqual(5);
  const plan = withForgottenRole(planOf(smallest.graph, "fused"));
  expect(
    verifyPlan(
      plan,
      new Map([
        ["B", 2],
        ["T", 2],
      ]),
    ).join(),
  ).toMatch(/lies over the operand x/);
});
