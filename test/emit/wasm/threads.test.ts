import { createRequire, syncBuiltinESMExports } from "node:module";
import type { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import { planGraph } from "../../../src/plan/build.ts";
import { graphOf } from "../../plan/graphs.ts";
import { graphOf as graphOfStates } from "../../states/graphs.ts";
import { instantiate as instantiateTypeScript } from "../instantiate.ts";
import { kernelByHand, TRAP } from "./by-hand.ts";
import { instantiate, type Model } from "./instantiate.ts";

const threads = createRequire(import.meta.url)("node:worker_threads") as { Worker: typeof Worker };
const Original = threads.Worker;
let started: Worker[] = [];

/** Workers that are started from here on are known. */
threads.Worker = class extends Original {
  constructor(...given: ConstructorParameters<typeof Worker>) {
    super(...given);
    started.push(this);
  }
};
syncBuiltinESMExports();

const open: Model[] = [];
afterEach(() => {
  for (const model of open.splice(0)) model.close();
  started = [];
});

/** Sums of elements, and along rows, in turn: steps that each read what the one before wrote. */
const chain = (steps: number) =>
  planGraph(
    graphOf(`
    dim B
    input %x0: f32[B, 4]
    ${Array.from(
      { length: steps },
      (_, i) => `%s${i}: f32[B, 4] = add(%x${i}, %x0)\n    %x${i + 1}: f32[B, 4] = cumsum(%s${i}, axis: 1)`,
    ).join("\n    ")}
    output y = %x${steps}`),
  );

async function modelOf(plan: Parameters<typeof instantiate>[0], count: number): Promise<Model> {
  const { createModel } = await instantiate(plan, { kernelOf: kernelByHand });
  const model = await createModel({}, { threads: count });
  open.push(model);
  return model;
}

const rows = (count: number, value = 1) => ({
  x0: { data: new Float32Array(4 * count).fill(value), shape: [count, 4] },
});

describe.each([1, 2, 3, 4])("%d threads", (count) => {
  test("give the same for any rows, one run after the other", async () => {
    const model = await modelOf(chain(5), count);
    const expected = (await instantiateTypeScript(chain(5))).createModel({});
    for (const size of [1, 2, 7, 64, 3])
      expect(await model.run(rows(size))).toEqual(expected.run(rows(size)));
  });

  test("runs that overlap wait for each other", async () => {
    const model = await modelOf(chain(3), count);
    const found = await Promise.all([1, 2, 3, 4].map((value) => model.run(rows(5, value))));
    expect(found.map(({ y }) => y!.data[0])).toEqual([4, 8, 12, 16]);
  });

  test("a step that traps ends the run with its name, and the model with it", async () => {
    const model = await modelOf(chain(3), count);
    const data = new Float32Array(400).fill(1);
    // The last thread's part alone is too large.
    data.fill(TRAP, 396);
    await expect(model.run({ x0: { data, shape: [100, 4] } })).rejects.toThrow(
      /^step 1, add failed: RuntimeError: unreachable/,
    );
    await expect(model.run(rows(1))).rejects.toThrow(/^the model runs no more: /);
  });

  test("a signal that has fired ends a run before it begins, and the model runs on", async () => {
    const model = await modelOf(chain(3), count);
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(model.run(rows(1), { signal })).rejects.toThrow("enough");
    expect((await model.run(rows(1))).y!.data[0]).toBe(4);
  });

  test("a model that was closed says so", async () => {
    const model = await modelOf(chain(1), count);
    model.close();
    await expect(model.run(rows(1))).rejects.toThrow("the model runs no more: it was closed");
  });
});

test("a worker that is killed between runs ends the next one, within seconds", async () => {
  const model = await modelOf(chain(3), 2);
  await model.run(rows(8));
  await started[0]!.terminate();
  await expect(model.run(rows(8))).rejects.toThrow(
    /^the model runs no more: thread 1 is gone: it ended with code/,
  );
}, 10_000);

test("a worker that is killed while the others wait for it ends the run, within seconds", async () => {
  const model = await modelOf(chain(3), 2);
  await model.run(rows(8));
  const run = model.run(rows(8));
  // The worker ends at the next message that the event loop brings: none comes while the run goes on.
  void started[0]!.terminate();
  const ended = await run.then(
    () => "done",
    (error: unknown) => String(error),
  );
  expect(ended).toMatch(/done|thread 1 is gone/);
  await expect(model.run(rows(8))).rejects.toThrow("thread 1 is gone");
}, 10_000);

test.each([0, 33, 1.5, NaN])("%d threads are refused", async (count) => {
  const { createModel } = await instantiate(chain(1), { kernelOf: kernelByHand });
  await expect(createModel({}, { threads: count })).rejects.toThrow(/^a model takes 1 to 32 threads, got /);
});

test("threads are Node's where another library gave the process a Worker, as onnxruntime-web does", async () => {
  Object.assign(globalThis, { Worker: threads.Worker });
  try {
    const model = await modelOf(chain(2), 2);
    expect((await model.run(rows(5))).y!.data[0]).toBe(3);
    expect(started).toHaveLength(1);
  } finally {
    Reflect.deleteProperty(globalThis, "Worker");
  }
});

test("a model that is small starts no workers unasked", async () => {
  const { createModel } = await instantiate(chain(1), { kernelOf: kernelByHand });
  open.push(await createModel({}));
  expect(started).toEqual([]);
});

/** A count before ids are looked up, and one after. */
const counting = planGraph(
  graphOfStates(`graph counting {
    dim B
    input %ids: i32[B]
    parameter %t: f32[3, 2] = constant(1) "t"
    state %before: f32[2] = constant(0) "before"
    state %after: f32[2] = constant(0) "after"
    %one: f32[] = full(dtype: f32, shape: [], value: 1)
    %b: f32[2] = add(%before, %one)
    %e: f32[B, 2] = embedding(table: %t, ids: %ids)
    %a: f32[2] = add(%after, %one)
    output y = %e
    next %before = %b
    next %after = %a
  }`),
);

test.each([1, 2, 3])(
  "what is refused leaves the state as TypeScript leaves it, in %d threads",
  async (count) => {
    const weights = { t: { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [3, 2] } };
    const bad = { ids: { data: [0, 7, 2, -1], shape: [4] } };
    const message = "the id 7 is not in a table of 3 rows (0 to 2)";
    const expected = (await instantiateTypeScript(counting)).createModel(weights);
    expect(() => expected.run(bad)).toThrow(message);
    const { createModel, InputError } = await instantiate(counting);
    const model = await createModel(weights, { threads: count });
    open.push(model);
    await expect(model.run(bad)).rejects.toThrow(new InputError(message));
    const found = await model.readState();
    for (const [name, { data }] of Object.entries(expected.readState()))
      expect(found[name]!.data).toEqual(data);
    expect(found["after"]!.data).toEqual(Float32Array.of(0, 0));
    await model.run({ ids: { data: [2], shape: [1] } });
    expect((await model.readState())["after"]!.data).toEqual(Float32Array.of(1, 1));
  },
);
