import { describe, expect, test } from "vitest";
import { runPasses } from "../../src/passes/pipeline.ts";
import type { StateRole } from "../../src/incremental/states.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { printGraph } from "../../src/ir/print.ts";
import { chunks, decodedDifference, Decoder, readChunks, Reference } from "./decoded.ts";
import { decoders, grouped } from "./decoders.ts";
import { derived, exampleGraph, graphOf, refused, type Settings } from "./models.ts";

/** A running sum is added up run by run. */
const TOLERANCE = 1e-12;

/** What is compared: one position a run, chunks, all at once, and the newest row alone. */
const ways = [
  { batch: 1, runs: chunks("all", 5, 1, 1, 1, 1, 1, 1), capacity: 16 },
  { batch: 2, runs: chunks("all", 1, 3, 3, 3, 1), capacity: 16 },
  { batch: 2, runs: chunks("all", 11), capacity: 11 },
  {
    batch: 2,
    runs: [...chunks("append", 6, 1), ...chunks("all", 1, 2), ...chunks("append", 1)],
    capacity: 16,
  },
];

function expectEqual(graph: Graph, sizes: Settings = {}): void {
  const references = new Map(
    [1, 2].map((B) => [B, new Reference(graph, "T", { B, T: 11, ...(sizes as object) })]),
  );
  for (const options of [{ fuse: false }, { fuse: true }, { fuse: false, windows: "whole" }] as const) {
    const decoding = derived(graph, options);
    // What is fused, or keeps whole windows, is made by the same rules: one way shows it.
    for (const { batch, runs, capacity } of options.fuse || "windows" in options ? ways.slice(-1) : ways)
      expect(decodedDifference(references.get(batch)!, decoding, runs, capacity)).toBeLessThanOrEqual(
        TOLERANCE,
      );
  }
}

const rolesOf = (graph: Graph): string[] =>
  [...derived(graph).states].map(
    ([name, role]: [string, StateRole]) =>
      `${name}: ${role.kind}${role.kind === "last" || role.kind === "ring" ? ` ${role.rows}` : ""}`,
  );

describe("examples that decode", () => {
  test.each(decoders)("%s %o", (name, settings) => {
    expectEqual(exampleGraph(name, settings));
  });

  test.each([
    ["bert", "later_keys"],
    ["digits", "no_positions"],
    ["norm_tanh", "no_positions"],
  ])("%s is refused: %s", (name, reason) => {
    expect(refused(exampleGraph(name)).reason).toBe(reason);
  });
});

/** The fused kernels of residual edges: how many adds share one with the norms beside them. */
const joinsWithNorms = ({ nodes }: Graph): number =>
  nodes.filter(({ op, origin }) => op === "add_norm" && origin.edges.some(({ role }) => role === "join"))
    .length;

test("a window that is no shorter than any text is none: rows are kept as without one, and one position more makes rings", () => {
  const graph = graphOf(
    "model m { input tokens: i32[B, T]\n e: embedding(23, 8)\n residual { attn: attention(2, rope: rope, window: 11) }\n output y: f32[B, T, 8] }",
  );
  const kinds = (limit: number): string[] =>
    [...derived(graph, { limit }).states.values()].map(({ kind }) => kind);
  expect([kinds(11), kinds(12)]).toEqual([
    ["rows", "rows"],
    ["ring", "ring"],
  ]);
  const decoding = derived(graph, { limit: 11 });
  const reference = new Reference(graph, "T", { B: 1, T: 11 });
  expect(decodedDifference(reference, decoding, ways[0]!.runs, 11)).toBeLessThanOrEqual(TOLERANCE);
  // None of its kernels looks at distances.
  const attends = (limit: number): number =>
    Object.values(derived(graph, { limit, fuse: false }).program.parts).filter(({ nodes }) =>
      nodes.some((node) => node.op === "attend" && node.attrs.window !== undefined),
    ).length;
  expect([attends(11), attends(12)]).toEqual([0, 2]);
});

test.each(decoders)("%s %o fuses as many residual edges with norms as the whole graph", (name, settings) => {
  const graph = exampleGraph(name, settings);
  const whole = joinsWithNorms(runPasses(graph));
  const { step, all } = derived(graph).program.parts;
  expect([joinsWithNorms(step!), joinsWithNorms(all!)]).toEqual([whole, whole]);
});

test("what is kept of a layer is its keys and values, before heads are copied for their groups, and no permute is left", () => {
  const graph = exampleGraph("llama", grouped);
  expect(rolesOf(graph)).toEqual([
    "model.layers.0.self_attn.k: rows",
    "model.layers.0.self_attn.v_proj: rows",
    "model.layers.1.self_attn.k: rows",
    "model.layers.1.self_attn.v_proj: rows",
  ]);
  for (const part of Object.values(derived(graph).program.parts))
    expect(printGraph(part)).not.toContain("permute");
});

test("the last layer's queries, its feed-forward and the head are made for the newest position alone", () => {
  const { append } = derived(exampleGraph("llama", grouped)).program.parts;
  const rows = append!.nodes.flatMap(({ results, origin }) =>
    results.map(({ type }) => `${origin.label} ${type.shape[1]?.key}`),
  );
  expect(rows).toContain("model.layers.0.mlp.down_proj N");
  for (const label of ["model.layers.1.mlp.down_proj", "lm_head"]) {
    expect(rows).toContain(`${label} 1`);
    expect(rows).not.toContain(`${label} N`);
  }
});

describe("models by their text", () => {
  const t = (body: string, more = ""): string =>
    `model m(dim = 8) {\n  input tokens: i32[B, T <= 32]\n${more}\n  e: embedding(23, dim)\n${body}\n  output y: f32[B, T, dim]\n}`;

  test.each([
    [
      "learned positions",
      t("residual { wpe: learned_positions(32) }\nresidual { attn: attention(2) }"),
      ["attn.k_proj: rows", "attn.v_proj: rows"],
    ],
    [
      "sinusoidal positions and ALiBi",
      t("residual { sinusoidal_positions }\nresidual { attn: attention(2, alibi: true) }"),
      ["attn.k_proj: rows", "attn.v_proj: rows"],
    ],
    [
      "rope in a window",
      t("residual { attn: attention(2, rope: rope, window: 3) }"),
      ["attn.k.ring: ring 3", "attn.v_proj.ring: ring 3"],
    ],
    [
      "ALiBi in a window, whose rows stay in their order",
      t("residual { attn: attention(2, alibi: true, window: 3) }"),
      ["attn.k_proj.last: last 2", "attn.v_proj.last: last 2"],
    ],
    [
      "keys and values that several layers share",
      t(
        "k = k: linear(dim) -> heads(2) -> rope ; v = v: linear(dim) -> heads(2)\nrepeat 3 as h { residual { ((q: linear(dim) -> heads(2) -> rope), k, v) -> attend(causal: true) -> merge_heads } }",
      ),
      ["k: rows", "v: rows"],
    ],
    [
      "a sink before the text, for which a cache begins as zeros",
      t(
        "nothing = 0 * (stream -> slice(0, end: 1, axis: 1))\nkeys = (nothing, stream) -> concat(1) -> heads(2)\n(stream -> heads(2), keys, keys) -> attend(causal: true) -> merge_heads",
      ),
      ["rows: rows"],
    ],
    [
      "taps of a causal convolution, written one by one",
      t(
        "x = stream ; nothing = 0 * (x -> slice(0, end: 1, axis: 1))\na = (nothing, x) -> concat(1)\nb = (nothing, a) -> concat(1)\nx + (a -> slice(0, end: T, axis: 1)) * 0.5 + (b -> slice(0, end: T, axis: 1)) * 0.25",
      ),
      ["e.x.last: last 2"],
    ],
    [
      "the first row, kept from the first run on",
      t("first = stream -> slice(0, end: 1, axis: 1)\nresidual { stream * first }"),
      ["first.first: first"],
    ],
    [
      "a running sum",
      t("at = positions -> cast(f32) -> unsqueeze(1)\n(stream -> cumsum(axis: 1)) / (at + 1)"),
      ["sum: sum"],
    ],
    [
      "a mask of keys",
      t(
        "residual { q = q: linear(dim) -> heads(2) ; (q, q, q, mask -> key_mask) -> attend(causal: true) -> merge_heads }",
        "input mask: bool[B, T] = true",
      ),
      [],
    ],
    [
      "distances as T5 has them",
      t(
        "past = (positions -> unsqueeze(1)) >= (positions -> unsqueeze(0))\nb = distance(8, 16, causal: true) -> bias: embedding(8, 2) -> permute([2, 0, 1])\nq = q: linear(dim) -> heads(2)\n(q, q, q, b, past) -> attend(scale: 1.0) -> merge_heads",
      ),
      [],
    ],
    [
      "cross attention to a memory",
      t(
        "residual { attn: attention(2) }\nresidual { (stream, memory) -> x: cross_attention(2) }",
        "input memory: f32[B, S, 6]",
      ),
      [],
    ],
  ])("%s", (_, text, roles) => {
    const graph = graphOf(text);
    expectEqual(graph, graph.symbols.some(({ name }) => name === "S") ? { S: 5 } : {});
    if (roles.length > 0) expect(rolesOf(graph)).toEqual(roles);
  });

  test("an encoder is a part of its own, whose results the others read", () => {
    const graph = graphOf(
      t(
        "residual { (stream, memory) -> x: cross_attention(2) }",
        "input source: f32[B, S, 6]\nmemory = source -> enc: linear(6) -> gelu",
      ),
    );
    const { program, states } = derived(graph);
    expect(Object.keys(program.parts)).toEqual(["encode", "append", "step", "all"]);
    expect([...states.values()].map(({ kind }) => kind)).toEqual(["context", "context"]);
    expect(program.parts["step"]!.inputs.map(({ name }) => name)).toEqual(["tokens"]);
    expect(program.parts["encode"]!.inputs.map(({ name }) => name)).toEqual(["source"]);
  });
});

describe("going back", () => {
  const graph = exampleGraph("llama", grouped);

  test("is a smaller number of past positions, and other tokens from there", () => {
    const decoding = derived(graph);
    const [one, other] = [3, 4].map((seed) => new Reference(graph, "T", { B: 2, T: 11 }, seed));
    // The same model and beginning, and another end.
    const shared = { ...other!.inputs["tokens"]!, data: other!.inputs["tokens"]!.data.slice() };
    for (const item of [0, 1])
      for (let at = 0; at < 6; at++)
        shared.data[item * 11 + at] = one!.inputs["tokens"]!.data[item * 11 + at]!;
    const second = new Reference(graph, "T", { B: 2, T: 11 }, 3, { tokens: shared });
    const decoder = new Decoder(decoding, one!.parameters, { B: 2, T: 11, C: 16 });
    expect(readChunks(one!, decoder, chunks("all", 5, 1, 3, 2))).toBe(0);
    decoder.past = 6;
    expect(readChunks(second, decoder, chunks("all", 1, 4))).toBe(0);
    decoder.past = 0;
    expect(readChunks(one!, decoder, chunks("append", 7, 4))).toBe(0);
  });

  test("a number of past positions that is wrong by one shows", () => {
    const reference = new Reference(graph, "T", { B: 2, T: 11 });
    const decoder = new Decoder(derived(graph), reference.parameters, { B: 2, T: 11, C: 16 });
    readChunks(reference, decoder, chunks("all", 5));
    const text = reference.text(5, 1);
    decoder.past = 4;
    const { logits } = decoder.run({ part: "step", count: 1 }, text);
    const expected = reference.expected("logits", 5, { part: "step", count: 1 });
    expect(
      Math.max(...expected.data.map((number, at) => Math.abs(number - logits!.data[at]!))),
    ).toBeGreaterThan(1e-3);
  });
});
