import { describe, expect, test } from "vitest";
import type { RefusalReason } from "../../src/incremental/refusal.ts";
import { chunks, decodedDifference, Reference } from "./decoded.ts";
import { derived, graphOf, refused } from "./models.ts";

/** Sums in another order than that of the whole text. */
const TOLERANCE = 1e-12;

const model = (body: string, output = "output y: f32[B, T, dim]"): string =>
  `model m(dim = 8) {\n  input x: f32[B, T, dim]\n${body}\n  ${output}\n}`;

const heads =
  "q = q: linear(dim) -> heads(2) ; k = k: linear(dim) -> heads(2) ; v = v: linear(dim) -> heads(2)";
const projected = "q = q: linear(dim) ; k = k: linear(dim) ; v = v: linear(dim)";
const past = (by: string, row = "(positions -> unsqueeze(1))"): string =>
  `past = ${row} ${by} (positions -> unsqueeze(0))`;
const nothing = "nothing = 0 * (x -> slice(0, end: 1, axis: 1))";
const image = "x -> transpose -> unsqueeze(-1)";

/** What is derived, what is refused beside it, and for what reason: the one differs from the other by a little. */
const pairs: readonly (readonly [about: string, derived: string, reason: RefusalReason, refused: string])[] =
  [
    ["attention, causal or not", "attn: attention(2)", "later_keys", "attn: attention(2, causal: false)"],
    [
      "a window, causal or not",
      "attn: attention(2, window: 3)",
      "later_keys",
      "attn: attention(2, causal: false, window: 3)",
    ],
    [
      "a mask of the past, and one with a prefix that all see",
      `${past(">=")}\n${heads}\n(q, k, v, past) -> attend -> merge_heads`,
      "later_keys",
      `${past(">=")}\nseen = past or ((positions -> unsqueeze(0)) < 4)\n${heads}\n(q, k, v, seen) -> attend -> merge_heads`,
    ],
    [
      "linear attention of the past, and with one ahead",
      `${projected}\n${past(">=")}\ns = (q, k) -> matmul(transpose: true)\n((past, s, 0.0) -> where, v) -> matmul`,
      "unhidden",
      `${projected}\n${past(">=", "((positions -> unsqueeze(1)) + 1)")}\ns = (q, k) -> matmul(transpose: true)\n((past, s, 0.0) -> where, v) -> matmul`,
    ],
    [
      "linear attention one row at a time, and all at once",
      `${projected}\n${past(">=")}\n((past, (q, k) -> matmul(transpose: true), 0.0) -> where, v) -> matmul`,
      "over_positions",
      `${projected}\n(q, (k -> transpose, v) -> matmul) -> matmul`,
    ],
    [
      "a softmax that sees itself, and only what came before",
      `${heads}\n${past(">=")}\n((past, (q, k) -> matmul(transpose: true), -1e30) -> where -> softmax, v) -> matmul -> merge_heads`,
      "empty_row",
      `${heads}\n${past(">")}\n((past, (q, k) -> matmul(transpose: true), -1e30) -> where -> softmax, v) -> matmul -> merge_heads`,
    ],
    [
      "a bias that hides the future, and oneself too",
      `${heads}\n${past(">=")}\n(q, k, v, (past, 0.0, -1e30) -> where) -> attend -> merge_heads`,
      "empty_row",
      `${heads}\n${past(">")}\n(q, k, v, (past, 0.0, -1e30) -> where) -> attend -> merge_heads`,
    ],
    [
      "a shift to the right, and to the left",
      `${nothing}\n(nothing, x) -> concat(1) -> slice(0, end: T, axis: 1)`,
      "later_rows",
      `${nothing}\n(x, nothing) -> concat(1) -> slice(1, end: T + 1, axis: 1)`,
    ],
    [
      "a causal convolution, and one of the same length",
      `${image} -> c: conv2d(dim, kernel: [3, 1], padding: [2, 0], groups: dim) -> slice(0, end: T, axis: 2) -> squeeze(-1) -> transpose`,
      "later_rows",
      `${image} -> c: conv2d(dim, kernel: [3, 1], padding: [1, 0], groups: dim) -> squeeze(-1) -> transpose`,
    ],
    [
      "the newest row alone, and beside all others",
      "x -> slice(T - 1, end: T, axis: 1) -> l: linear(dim)\ny2 = stream",
      "newest",
      "newest = x -> slice(T - 1, end: T, axis: 1)\nx * newest",
    ],
    [
      "the first row, and the second",
      "x * (x -> slice(0, end: 1, axis: 1))",
      "fixed_rows",
      "x * (x -> slice(1, end: 2, axis: 1))",
    ],
    [
      "a running mean, and the mean",
      "at = positions -> cast(f32) -> unsqueeze(1)\n(x -> cumsum(axis: 1)) / (at + 1)",
      "over_positions",
      "x - (x -> mean(axis: 1, keep: true))",
    ],
    [
      "a softmax over channels, and over positions",
      "x -> softmax(axis: 2)",
      "over_positions",
      "x -> softmax(axis: 1)",
    ],
    [
      "a norm over channels, and over positions",
      "x -> l2norm",
      "over_positions",
      "x -> transpose -> l2norm -> transpose",
    ],
    [
      "a choice among experts, and among positions",
      "(best, chosen) = gate: linear(4) -> topk(2)\nx * (best -> sum(axis: -1) -> unsqueeze(-1))",
      "over_positions",
      "(best, chosen) = gate: linear(4) -> transpose -> topk(2)\nx * (best -> sum(axis: -1) -> sum(axis: -1) -> unsqueeze(-1) -> unsqueeze(-1))",
    ],
    [
      "merged rows, each by itself, and in one sum",
      "x -> reshape([B * T, dim]) -> l: linear(dim) -> gelu -> reshape([B, T, dim])",
      "merged",
      "x -> reshape([B, T * 2, dim / 2]) -> cumsum(axis: 1) -> reshape([B, T, dim])",
    ],
    [
      "rows in front as keys, and as the rows of a text",
      `${heads}\npk = pk: parameter([1, 2, 3, 4]) -> expand(0, n: B)\n(q, (pk, k) -> concat(2), (pk, v) -> concat(2)) -> attend(causal: true) -> merge_heads`,
      "front",
      "p = p: parameter([1, 1, dim]) -> expand(0, n: B)\n(p, x) -> concat(1) -> slice(0, end: T, axis: 1)",
    ],
    [
      "distances to keys of the text, and of a memory",
      "attn: attention(2, alibi: true)",
      "fixed_memory",
      "attn: attention(2, alibi: true)\nm = x -> slice(0, end: 1, axis: 1) -> heads(2)\n(x -> heads(2), m, m) -> attend(alibi: true) -> merge_heads",
    ],
  ];

const last = "output y2: f32[B, 1, dim]";

describe.each(pairs)("%s", (about, body, reason, near) => {
  test("the one is derived", () => {
    const graph = graphOf(model(body, about.startsWith("the newest row") ? last : undefined));
    for (const fuse of [false, true]) {
      const decoding = derived(graph, { fuse });
      const reference = new Reference(graph, "T", { B: 2, T: 11 });
      for (const runs of [chunks("all", 5, 1, 1, 4), chunks("append", 1, 3, 1, 6)])
        expect(decodedDifference(reference, decoding, runs, 13)).toBeLessThanOrEqual(TOLERANCE);
    }
  });

  test(`the other is refused: ${reason}`, () => {
    expect(refused(graphOf(model(near))).reason).toBe(reason);
  });
});

test("a mask of the caller is taken at its word that attention is causal", () => {
  const text = (causal: string): string =>
    `model m(dim = 8) {\n  input x: f32[B, T, dim]\n  input mask: bool[B, 1, T, T] = true\n  ${heads}\n  (q, k, v, mask) -> attend${causal} -> merge_heads\n  output y: f32[B, T, dim]\n}`;
  expect(refused(graphOf(text(""))).reason).toBe("later_keys");
  const graph = graphOf(text("(causal: true)"));
  const reference = new Reference(graph, "T", { B: 2, T: 9 });
  expect(decodedDifference(reference, derived(graph), chunks("all", 4, 1, 1, 3), 9)).toBe(0);
});

test("a refusal says where in the model, and why", () => {
  const refusal = refused(graphOf(model("attn: attention(2, causal: false)")));
  expect(refusal.message).toBe(
    "attend attn (model.lmg:3:1): attention sees later positions: neither `causal` nor its mask or bias hides them",
  );
  expect(refusal.span?.source.name).toBe("model.lmg");
});

test("a graph without positions, or without an output of the text, is refused whole", () => {
  expect(refused(graphOf("model m { input x: f32[B, 4]\n x -> tanh\n output y: f32[B, 4] }")).message).toBe(
    "no input has an axis T",
  );
  const other = graphOf("model m { input x: f32[B, T, 4]\n z = positions -> cast(f32)\n output z: f32[T] }");
  expect(refused(other).reason).toBe("no_output");
});

test("only the outputs that are asked for count", () => {
  const graph = graphOf(
    model(
      "attn: attention(2)\ny = stream\nm = x -> mean(axis: 1)",
      "output y: f32[B, T, dim]\n  output m: f32[B, dim]",
    ),
  );
  expect(refused(graph).reason).toBe("over_positions");
  expect(Object.keys(derived(graph, { outputs: new Set(["y"]) }).program.parts)).toEqual([
    "append",
    "step",
    "all",
  ]);
});

test("positions may be called otherwise, and the model may have the names of a run's sizes", () => {
  const graph = graphOf(
    "model m(dim = 8) {\n input x: f32[N, P, dim]\n attn: attention(2)\n output y: f32[N, P, dim]\n}",
  );
  const decoding = derived(graph, { symbol: "P" });
  expect(decoding.dims).toEqual({ added: "New", past: "Past", capacity: "C" });
  const reference = new Reference(graph, "P", { N: 2, P: 7 });
  expect(decodedDifference(reference, decoding, chunks("all", 3, 1, 3), 7)).toBe(0);
});

test("a rope that follows the length of the text is refused, unless it never gets so long", () => {
  const graph = graphOf(
    model(
      "q = x -> heads(2) -> rope(scaling: dynamic, factor: 2, original: 16)\n(q, q, x -> heads(2)) -> attend(causal: true) -> merge_heads",
    ),
  );
  expect(refused(graph).message).toContain("the rope scaling dynamic turns past keys anew");
  const reference = new Reference(graph, "T", { B: 1, T: 16 });
  expect(decodedDifference(reference, derived(graph, { limit: 16 }), chunks("all", 7, 1, 8), 16)).toBe(0);
});
