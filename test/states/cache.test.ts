import { beforeAll, describe, expect, test } from "vitest";
import { randomParameters } from "../../src/ir/initialize.ts";
import { printGraph } from "../../src/ir/print.ts";
import type { Program } from "../../src/ir/program.ts";
import { planGraph } from "../../src/plan/build.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import { layoutOf } from "../../src/plan/layout.ts";
import { stepStats } from "../../src/plan/stats.ts";
import { verifyPlan } from "../../src/plan/verify.ts";
import { RandomStream, randomTensor } from "../../src/tensor/random.ts";
import { executionDevice } from "../webgpu/device.ts";
import { cache, counted, graphOf } from "./graphs.ts";
import { expectNear } from "./near.ts";
import { interpreted, sessionTargets, type Session } from "./sessions.ts";

const device = await executionDevice();
const graph = graphOf(cache);
const program: Program = { name: "cache", parts: { run: graph } };
const making = { parameters: randomParameters(graph, 1), dims: { B: 2, C: 11 } };

test("states, dims that are given and next values print and read back", () => {
  for (const text of [cache, counted]) expect(printGraph(graphOf(text))).toBe(text);
});

describe("a cache is written where it lies", () => {
  const plan = planGraph(runPasses(graph, { verify: true }));
  const sizes = new Map(Object.entries({ B: 2, N: 3, P: 4, C: 9 }));

  test("without a copy of the whole, and read by a view", () => {
    // The two products are one, as both read x.
    expect(plan.steps.map(({ op }) => op)).toEqual(["linear_epilogue", "write", "write", "attend"]);
    expect(verifyPlan(plan, sizes)).toEqual([]);
  });

  test("and costs what is new", () => {
    const write = plan.steps.find(({ op }) => op === "write")!;
    const part = 4 * (2 * 3 * 4);
    expect(stepStats(write, sizes, layoutOf(plan))).toEqual({
      bytesRead: part,
      bytesWritten: part,
      flops: 0,
    });
  });
});

describe.each(sessionTargets(device))("on $name", ({ open }) => {
  let session: Session;
  let oracle: Session;

  beforeAll(async () => {
    session = await open(program, making);
    oracle = interpreted(program, making);
    // What lies beyond is never read.
    const blank = { data: new Float32Array(2 * 11 * 4).fill(NaN), shape: [2, 11, 1, 4] };
    for (const each of [session, oracle]) await each.writeState({ keys: blank, values: blank });
  });

  test("runs of other lengths append and read all so far", async () => {
    const random = new RandomStream(2, "x");
    let past = 0;
    for (const length of [3, 1, 1, 4, 2]) {
      const x = randomTensor([2, length, 4], random);
      const expected = await oracle.run("run", { x }, { P: past });
      expectNear(await session.run("run", { x }, { P: past }), expected);
      past += length;
    }
    expectNear(await session.readState(), await oracle.readState());
  });

  test("going back is a smaller P, and what was read is a copy", async () => {
    const before = await session.readState();
    const x = randomTensor([2, 2, 4], new RandomStream(3, "x"));
    const first = await session.run("run", { x }, { P: 4 });
    await session.writeState(before);
    expectNear(await session.run("run", { x }, { P: 4 }), first);
  });

  test("what does not fit is told before anything runs", async () => {
    const before = await session.readState();
    const x = (rows: number, length: number) => ({
      x: randomTensor([rows, length, 4], new RandomStream(4, "x")),
    });
    await expect(session.run("run", x(2, 3), { P: 9 })).rejects.toThrow(
      "write: N from P reaches past the C that the state has",
    );
    await expect(session.run("run", x(1, 1), { P: 0 })).rejects.toThrow(
      "B is 1 here, but the state was made for 2",
    );
    await expect(session.run("run", x(2, 1))).rejects.toThrow("the size P must be given");
    await expect(session.run("run", x(2, 1), { P: 0.5 })).rejects.toThrow(
      "the size P is a whole number, got 0.5",
    );
    await expect(open(program, { ...making, dims: { B: 2, C: 65 } })).rejects.toThrow(
      "C is at most 64, got 65",
    );
    await expect(session.writeState({ other: x(1, 1).x })).rejects.toThrow("surplus: other");
    await expect(session.writeState({ keys: x(1, 1).x })).rejects.toThrow("wrong shape: keys is [1, 1, 4]");
    expect(await session.readState()).toEqual(before);
  });

  test("states of whole numbers, and one that is moved within itself", async () => {
    const two: Program = { name: "counted", parts: { run: graphOf(counted) } };
    const made = { parameters: {}, dims: { B: 2 } } as never;
    const [here, there] = [await open(two, made), interpreted(two, made)];
    for (let run = 0; run < 3; run++) {
      const x = randomTensor([2, 3], new RandomStream(run, "x"));
      expectNear(await here.run("run", { x }), await there.run("run", { x }));
    }
    const state = await here.readState();
    expect(state["runs"]).toEqual({ data: Int32Array.of(8, 8), shape: [2] });
    expectNear(state, await there.readState());
  });
});
