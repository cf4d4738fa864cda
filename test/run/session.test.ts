import { beforeAll, describe, expect, test } from "vitest";
import type { EmittedTensors } from "../../src/emit/emitted.ts";
import type { Decoding } from "../../src/incremental/program.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { openSessions, type AnySession, type SessionModel } from "../../src/run/sessions.ts";
import { SessionError } from "../../src/session/error.ts";
import type { SessionOptions } from "../../src/session/session.ts";
import { difference, Reference } from "../incremental/decoded.ts";
import { derived, exampleGraph, graphOf } from "../incremental/models.ts";
import { runners, wasm } from "../incremental/runners.ts";
import { executionAdapter } from "../webgpu/device.ts";

/** Rounding of f32 through a few layers, of logits near 1. */
const TOLERANCE = 1e-5;

const model = (body: string): Graph =>
  graphOf(
    `model m(dim = 8) {\n  input tokens: i32[B, T]\n  e: embedding(23, dim)\n${body}\n  output y: f32[B, T, dim]\n}`,
  );

/** One that keeps rows alone, one that carries the last ones, and one that carries a sum and the first row too. */
const graphs: Readonly<Record<string, Graph>> = {
  rows: exampleGraph("llama", { vocab: 23, dim: 16, hidden: 24, depth: 2, heads: 4, kv_heads: 2 }),
  windows: model(
    "residual { attn: attention(2, rope: rope, window: 3) }\nresidual { b: attention(2, rope: rope) }",
  ),
  sums: model(
    "x = stream\nresidual { attn: attention(2) }\nstream + (x -> cumsum(axis: 1)) * 0.125 + (x -> slice(0, end: 1, axis: 1))",
  ),
};

const adapter = await executionAdapter();

/** What opens sessions, in one thread or on a device. */
const openers: Readonly<
  Record<string, (decoding: Decoding, parameters: EmittedTensors) => Promise<SessionModel>>
> = {
  ...Object.fromEntries(Object.entries(runners).map(([name, { sessions }]) => [name, sessions])),
  ...(adapter && {
    WebGPU: (decoding, parameters) => openSessions(decoding, parameters, { target: "wgsl", adapter }),
  }),
};

const cases = Object.keys(openers).flatMap((runs) =>
  Object.entries(graphs).map(([kept, graph]) => [runs, kept, graph] as const),
);

describe.each(cases)("a session in %s of a model with %s", (runs, _, graph) => {
  const decoding: Decoding = derived(graph, { target: wasm });
  const reference = new Reference(graph, "T", { B: 2, T: 14 });
  const output = graph.outputs[0]!.name;
  let model: SessionModel;

  beforeAll(async () => {
    model = await openers[runs]!(decoding, reference.parameters);
  });

  const begin = (options: SessionOptions = {}): Promise<AnySession> =>
    model.session({ batch: 2, capacity: 16, ...options });
  const text = (start: number, count: number): EmittedTensors => reference.text(start, count);

  /** What the newest or all of some positions must give; the first text of the batch in both rows, if `rows` says so. */
  function expectRows(
    found: EmittedTensors,
    start: number,
    count: number,
    part: "append" | "all",
    rows = [0, 1],
  ): void {
    const whole = reference.expected(output, start, { part, count });
    const size = whole.data.length / 2;
    const data = Float64Array.from(
      rows.flatMap((row) => [...whole.data.slice(row * size, (row + 1) * size)]),
    );
    const expected = { ...whole, shape: [rows.length, ...whole.shape.slice(1)], data };
    const { data: numbers, shape } = found[output]!;
    expect(difference({ ...expected, shape, data: Float64Array.from(numbers) }, expected)).toBeLessThan(
      TOLERANCE,
    );
  }

  test("reads a text in pieces of any length, of which long ones are cut into chunks", async () => {
    const session = await begin({ chunk: 3 });
    expectRows(await session.append(text(0, 7)), 0, 7, "append");
    expectRows(await session.append(text(7, 1)), 7, 1, "append");
    expectRows(await session.appendAll(text(8, 4)), 8, 4, "all");
    expectRows(await session.appendAll(text(12, 1)), 12, 1, "all");
    expect([session.length, session.capacity]).toEqual([13, 16]);
  });

  test("goes back to any beginning, and on from there", async () => {
    const session = await begin({ chunk: 4 });
    await session.append(text(0, 10));
    await session.append(text(10, 1));
    for (const length of [10, 7, 4, 1, 0]) {
      await session.truncate(length);
      expect(session.length).toBe(length);
      expectRows(await session.append(text(length, 3)), length, 3, "append");
    }
    await expect(session.truncate(4)).rejects.toThrow("a text of 3 positions has no beginning of 4");
  });

  test("chooses texts of its batch, as beams do", async () => {
    const session = await begin();
    await session.append(text(0, 6));
    await session.select([1, 1, 0]);
    const rows = [1, 1, 0];
    const { data, shape } = text(6, 2)["tokens"]!;
    const chosen = {
      tokens: {
        data: rows.flatMap((row) => [...Array.from(data).slice(row * 2, row * 2 + 2)]),
        shape: [3, ...shape.slice(1)],
      },
    };
    expectRows(await session.append(chosen), 6, 2, "append", rows);
    await expect(session.select([3])).rejects.toThrow("a batch of 3 has no texts 3");
  });

  test("is full before anything runs, and takes more when memory is made", async () => {
    const session = await begin({ capacity: 8 });
    await session.append(text(0, 6));
    await expect(session.append(text(6, 3))).rejects.toThrow(
      "the session holds 8 positions, 6 are taken: 3 more do not fit; `reserve(9)`",
    );
    expect(session.length).toBe(6);
    await session.reserve(12);
    expectRows(await session.append(text(6, 5)), 6, 5, "append");
  });

  test("begins anew in the place of one that was given back", async () => {
    const [first, behind] = [await begin(), await begin()];
    await first.append(text(0, 6));
    first.dispose();
    const again = await begin();
    expectRows(await again.append(text(0, 3)), 0, 3, "append");
    again.dispose();
    behind.dispose();
  });

  test("goes on alike after another one was opened and closed between two of its runs", async () => {
    const session = await begin();
    await session.append(text(0, 3));
    await session.append(text(3, 1));
    // The same list of calls would do again, but the state of the other, which is large, lay over it.
    await session.truncate(3);
    (await begin({ capacity: 512 })).dispose();
    expectRows(await session.append(text(3, 1)), 3, 1, "append");
  });

  test("goes two ways from one place", async () => {
    const session = await begin();
    await session.append(text(0, 5));
    const other = await session.fork();
    expectRows(await session.append(text(5, 4)), 5, 4, "append");
    session.dispose();
    expectRows(await other.append(text(5, 2)), 5, 2, "append");
    await other.truncate(3);
    expectRows(await other.append(text(3, 2)), 3, 2, "append");
  });

  test("is saved and goes on elsewhere", async () => {
    const session = await begin();
    await session.append(text(0, 5));
    const saved = await session.save();
    await session.append(text(5, 4));
    const other = await model.restore(saved, { capacity: 14 });
    expect([other.length, other.capacity, other.batch]).toEqual([5, 14, 2]);
    expectRows(await other.append(text(5, 3)), 5, 3, "append");
    await other.truncate(5);
    expectRows(await other.append(text(5, 1)), 5, 1, "append");
  });

  test("ends between two chunks when it is told to, and stays whole", async () => {
    const session = await begin({ chunk: 2 });
    const stop = new AbortController();
    stop.abort();
    await expect(session.append(text(0, 6), { signal: stop.signal })).rejects.toThrow("abort");
    expectRows(await session.append(text(session.length, 6)), 0, 6, "append");
  });

  test("is not two texts at once, nor one any more when it is disposed", async () => {
    const session = await begin();
    const first = session.append(text(0, 4));
    await expect(session.append(text(4, 1))).rejects.toThrow(new SessionError("an append is still running"));
    expectRows(await first, 0, 4, "append");
    session.dispose();
    await expect(session.append(text(4, 1))).rejects.toThrow(new SessionError("it is disposed"));
  });

  test("inputs that do not fit are told, and change nothing", async () => {
    const session = await begin();
    await session.append(text(0, 4));
    const { data, shape } = text(4, 1)["tokens"]!;
    await expect(
      session.append({ tokens: { data: [...Array.from(data), 1], shape: [3, 1] } }),
    ).rejects.toThrow("B is 3 here");
    await expect(session.append({ other: { data, shape } })).rejects.toThrow(
      "no input says which positions are new",
    );
    expectRows(await session.append(text(4, 2)), 4, 2, "append");
  });
});

test("what an encoder reads is given when a session begins", async () => {
  const graph = graphOf(
    "model m(dim = 8) {\n  input tokens: i32[B, T]\n  input source: f32[B, S, 6]\n  memory = source -> enc: linear(6) -> gelu\n  e: embedding(23, dim)\n  residual { attn: attention(2) }\n  residual { (stream, memory) -> x: cross_attention(2) }\n  output y: f32[B, T, dim]\n}",
  );
  const decoding = derived(graph);
  const reference = new Reference(graph, "T", { B: 2, T: 8, S: 5 });
  const model = await openSessions(decoding, reference.parameters, { target: "ts" });
  const session = await model.session({ batch: 2, inputs: { source: reference.inputs["source"]! } });
  for (const [start, count] of [
    [0, 4],
    [4, 1],
    [5, 3],
  ] as const) {
    const tokens = reference.text(start, count)["tokens"]!;
    const { data, shape } = (await session.append({ tokens }))["y"]!;
    const expected = reference.expected("y", start, { part: "append", count });
    expect(difference({ ...expected, shape, data: Float64Array.from(data) }, expected)).toBeLessThan(
      TOLERANCE,
    );
  }
});

test("a session holds no more than its model takes", async () => {
  const graph = exampleGraph("gpt2", { vocab: 23, dim: 16, depth: 1, heads: 4, ctx: 12 });
  const decoding = derived(graph);
  const reference = new Reference(graph, "T", { B: 1, T: 12 });
  const model = await openSessions(decoding, reference.parameters, { target: "ts" });
  const session = await model.session();
  expect(session.capacity).toBe(12);
  await session.append(reference.text(0, 10));
  await expect(session.append(reference.text(9, 3))).rejects.toThrow(
    "3 more do not fit; the model takes at most 12",
  );
  await expect(session.reserve(13)).rejects.toThrow("`capacity` is at most 12");
  await expect(model.session({ capacity: 0 })).rejects.toThrow(
    "`capacity` is a whole number of at least 1, got 0",
  );
});
