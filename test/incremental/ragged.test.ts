import { describe, expect, test } from "vitest";
import type { Decoding } from "../../src/incremental/program.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { chunks, Reference, type Tensors } from "./decoded.ts";
import { decoders, texts } from "./decoders.ts";
import { derived, exampleGraph, graphOf, refused } from "./models.ts";
import { Ragged, raggedDifference } from "./ragged.ts";
import { runners, wasm } from "./runners.ts";
import { openSessions, type SessionModel } from "../../src/run/sessions.ts";
import { executionAdapter } from "../webgpu/device.ts";

/** In float64 a sum may be added up in another order. */
const EXACT = 1e-12;

/** Rounding of f32 through a few layers, of numbers near 1. */
const TOLERANCE = 1e-5;

const LENGTH = 14;

/** Of texts of 14, 11, 2 and 8 positions. */
const begins = [0, 3, 12, 6];

const graphs: readonly (readonly [string, () => Graph])[] = [
  ...decoders.map(
    ([name, settings]) =>
      [`${name} ${JSON.stringify(settings)}`, () => exampleGraph(name, settings)] as const,
  ),
  ...Object.entries(texts).map(([name, text]) => [name, () => graphOf(text)] as const),
];

const referenceOf = (graph: Graph): Reference =>
  new Reference(graph, "T", { B: begins.length, T: LENGTH, S: 5 });

describe.each(graphs)("%s: texts that begin at different places are read as each alone", (_, graphOfCase) => {
  const graph = graphOfCase();
  const reference = referenceOf(graph);
  const batch = new Ragged(reference, begins);

  test("in float64", () => {
    for (const options of [{ fuse: false }, { fuse: true, windows: "whole" }, { fuse: true }] as const) {
      const decoding = derived(graph, { ...options, ragged: true });
      for (const runs of [
        chunks("all", 5, 1, 3, 1, 1, 3),
        chunks("append", 4, 1, 6, 1, 1, 1),
        chunks("all", 14),
      ])
        expect(raggedDifference(batch, decoding, runs, LENGTH)).toBeLessThanOrEqual(EXACT);
    }
  });

  test.each(Object.keys(runners))(
    "in a session in %s, in chunks, after going back, and of other texts",
    async (runs) => {
      await readInSession(batch, (decoding) => runners[runs]!.sessions(decoding, reference.parameters));
    },
  );
});

/** Reads texts of different lengths in a session, each of whose answers is held against those of each text alone. */
async function readInSession(
  batch: Ragged,
  open: (decoding: Decoding) => Promise<SessionModel>,
): Promise<void> {
  const { reference } = batch;
  const decoding = derived(reference.graph, { ragged: true, target: wasm });
  const model = await open(decoding);
  const session = await model.session({
    batch: begins.length,
    capacity: LENGTH,
    chunk: 4,
    inputs: encoded(decoding, batch),
  });
  const append = async (part: "append" | "all", count: number): Promise<void> => {
    const start = session.length;
    const given = inputsOf(decoding, reference.text(start, count));
    const found = await (part === "append" ? session.append(given) : session.appendAll(given));
    expect(batch.difference(hostTensors(found), start, { part, count })).toBeLessThan(TOLERANCE);
  };
  await append("append", 7);
  await append("append", 1);
  await append("all", 5);
  await append("append", 1);
  await session.truncate(12);
  await append("all", 2);
  session.dispose();
  model.close();
}

const adapter = await executionAdapter();

test
  .skipIf(adapter === undefined)
  .each([
    "latent attention, as DeepSeek's",
    "a window in each layer but the last, and grouped heads",
    "experts, and a convolution behind gates",
    "a gated delta rule, as Qwen3-Next's",
  ])("%s: on WebGPU too", async (name) => {
  const reference = referenceOf(graphOf(texts[name]!));
  await readInSession(new Ragged(reference, begins), (decoding) =>
    openSessions(decoding, reference.parameters, { target: "wgsl", adapter: adapter! }),
  );
});

/** What `encode` reads, and where each text begins. */
const encoded = (decoding: Decoding, { reference, beginTensor }: Ragged): Tensors => ({
  ...Object.fromEntries(
    (decoding.program.parts["encode"]?.inputs ?? []).map(({ name }) => [
      name,
      reference.inputs[name] ?? beginTensor,
    ]),
  ),
});

function inputsOf({ program }: Decoding, text: Tensors): Tensors {
  const names = new Set(program.parts["append"]!.inputs.map(({ name }) => name));
  return Object.fromEntries(Object.entries(text).filter(([name]) => names.has(name)));
}

const hostTensors = (outputs: object): Tensors =>
  Object.fromEntries(
    Object.entries(outputs as Record<string, { data: ArrayLike<number>; shape: readonly number[] }>).map(
      ([name, { data, shape }]) => [name, { dtype: "f32", shape: [...shape], data: Float64Array.from(data) }],
    ),
  );

describe("what counts positions", () => {
  const t = (body: string, more = ""): string =>
    `model m(dim = 8) {\n  input tokens: i32[B, T <= 32]\n${more}\n  e: embedding(23, dim)\n${body}\n  output y: f32[B, T, dim]\n}`;

  test.each([
    ["learned positions", "residual { wpe: learned_positions(32) }\nresidual { attn: attention(2) }"],
    [
      "sinusoidal positions and ALiBi",
      "residual { sinusoidal_positions }\nresidual { attn: attention(2, alibi: true) }",
    ],
    ["ALiBi in a window", "residual { attn: attention(2, alibi: true, window: 3) }"],
    [
      "a sink before the text",
      "nothing = 0 * (stream -> slice(0, end: 1, axis: 1))\nkeys = (nothing, stream) -> concat(1) -> heads(2)\n(stream -> heads(2), keys, keys) -> attend(causal: true) -> merge_heads",
    ],
    [
      "a learned prefix of keys",
      "q = q: linear(dim) -> heads(2) ; k = k: linear(dim) -> heads(2)\np = p: parameter([1, 2, 3, 4]) -> expand(0, n: B)\n(q, (p, k) -> concat(2), (p, k) -> concat(2)) -> attend(causal: true) -> merge_heads",
    ],
    [
      "taps of a causal convolution, written one by one",
      "x = stream ; nothing = 0 * (x -> slice(0, end: 1, axis: 1))\na = (nothing, x) -> concat(1)\nb = (nothing, a) -> concat(1)\nx + (a -> slice(0, end: T, axis: 1)) * 0.5 + (b -> slice(0, end: T, axis: 1)) * 0.25",
    ],
    ["a running mean", "at = positions -> cast(f32) -> unsqueeze(1)\n(stream -> cumsum(axis: 1)) / (at + 1)"],
    [
      "a mask of distances in a window",
      "at = positions -> cast(f32)\nodd = ((at -> unsqueeze(1)) - (at -> unsqueeze(0))) / 2\nq = q: linear(dim) -> heads(2)\n(q, q, q, 0.0, (odd -> floor) == odd) -> attend(causal: true, window: 5) -> merge_heads",
    ],
    [
      "attention that a model writes itself",
      "q = q: linear(dim) ; k = k: linear(dim)\npast = (positions -> unsqueeze(1)) >= (positions -> unsqueeze(0))\n((past, (q, k) -> matmul(transpose: true), -1e30) -> where -> softmax, stream) -> matmul",
    ],
    [
      "linear attention as a matrix",
      "q = q: linear(dim) ; k = k: linear(dim)\npast = (positions -> unsqueeze(1)) >= (positions -> unsqueeze(0))\n((past, (q, k) -> matmul(transpose: true), 0.0) -> where, stream) -> matmul",
    ],
    [
      "positions under a learned table, and rope by the same",
      "at = (positions) * 2\nx = stream + (at -> t: embedding(64, dim))\nq = x -> q: linear(dim) -> heads(2)\n((q, at) -> rope, (q, at) -> rope, q) -> attend(causal: true) -> merge_heads",
    ],
  ])("%s", (_, body) => {
    const graph = graphOf(t(body));
    const batch = new Ragged(referenceOf(graph), begins);
    for (const fuse of [false, true]) {
      const decoding = derived(graph, { fuse, ragged: true });
      for (const runs of [chunks("all", 5, 1, 3, 1, 1, 3), chunks("append", 4, 1, 6, 1, 1, 1)])
        expect(raggedDifference(batch, decoding, runs, LENGTH)).toBeLessThanOrEqual(EXACT);
    }
  });

  test.each([
    ["no_batch", "model m { input x: f32[T, 4]\n x -> tanh\n output y: f32[T, 4] }"],
    ["mixed_batch", t("stream - (stream -> mean(axis: 0, keep: true))")],
    ["mixed_batch", t("stream -> softmax(axis: 0)")],
    ["begins", t("stream * (stream -> slice(0, end: 1, axis: 1))")],
    [
      "begins",
      t(
        "q = q: linear(dim) -> heads(2)\np = p: parameter([1, 2, 1, 4]) -> expand(0, n: B)\n(q, (p, q) -> concat(2), (p, q) -> concat(2)) -> attend(causal: true, alibi: true) -> merge_heads",
      ),
    ],
    [
      "begins",
      t(
        "b = distance(8, 16, causal: true) -> cast(f32)\nstream + (b -> slice(0, end: 1, axis: 0) -> reshape([T, 1]))",
      ),
    ],
  ] as const)("is refused: %s", (reason, text) => {
    const graph = graphOf(text);
    derived(graph);
    expect(refused(graph, { ragged: true }).reason).toBe(reason);
  });
});
