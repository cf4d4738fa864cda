import { describe, expect, test } from "vitest";
import { decodingProgram } from "../../src/incremental/program.ts";
import { Refusal, refusalReasons, type RefusalReason } from "../../src/incremental/refusal.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { readGraph } from "../../src/ir/read.ts";
import { verifyGraph } from "../../src/ir/verify.ts";
import { scalarFunctions, type ScalarName } from "../../src/ops/scalar.ts";
import type { CoreOp } from "../../src/ops/table.ts";
import { showDiagnostic } from "../../src/support/diagnostic.ts";
import { chunks, decodedDifference, Reference } from "./decoded.ts";

const declarations = `
  dim B
  dim T <= 40
  dim S
  input %ids: i32[B, T]
  input %x: f32[B, T, 4]
  input %z: f32[B, T, 4]
  input %on: bool[B, T, 4]
  input %memory: f32[B, S, 4]
  parameter %w: f32[4, 4] = normal(0, 1) "w"
  parameter %v: f32[4] = normal(0, 1) "v"
  parameter %kernel: f32[4, 1, 3, 1] = normal(0, 1) "kernel"
  parameter %table: f32[48, 4] = normal(0, 1) "table"
  parameter %mean: f32[4] = constant(0) "mean"
  parameter %variance: f32[4] = constant(1) "variance"
  %zero: f32[] = full(dtype: f32, shape: [], value: 0)
  %low: f32[] = full(dtype: f32, shape: [], value: -1e30)
  %pad: f32[B, 2, 4] = full(dtype: f32, shape: [B, 2, 4], value: 0)
  %at: i32[T] = iota(size: T)
  %row: i32[T, 1] = reshape(%at, shape: [T, 1])
  %key: i32[1, T] = reshape(%at, shape: [1, T])
  %past: bool[T, T] = ge(%row, %key)
  %xt: f32[B, 4, T] = permute(%x, axes: [0, 2, 1])
  %h: f32[B, T, 2, 2] = reshape(%x, shape: [B, T, 2, 2])
  %q: f32[B, 2, T, 2] = permute(%h, axes: [0, 2, 1, 3])
  %m: f32[B, S, 2, 2] = reshape(%memory, shape: [B, S, 2, 2])
  %mk: f32[B, 2, S, 2] = permute(%m, axes: [0, 2, 1, 3])
  %scores: f32[B, T, T] = matmul(a: %x, b: %z, transpose_b: true)
  %hidden: f32[B, T, T] = where(condition: %past, x: %scores, y: %low)
  %kept: f32[B, T, T] = where(condition: %past, x: %scores, y: %zero)
  %positions: f32[T] = cast(%at, dtype: f32)
  %image: f32[B, 4, T, 1] = reshape(%xt, shape: [B, 4, T, 1])`;

/** Nodes whose last makes %y, the output. */
type Body = string;

interface Case {
  readonly derived?: readonly Body[];
  readonly refused?: readonly (readonly [RefusalReason, Body])[];
}

const unary = (name: string): Case => ({ derived: [`%y = ${name}(%x)`] });
const binary = (name: string): Case => ({ derived: [`%y = ${name}(%x, %z)`] });
const truths: Readonly<Record<string, Case>> = {
  not: { derived: ["%y = not(%on)"] },
  and: { derived: ["%y = and(%on, %on)"] },
  or: { derived: ["%y = or(%on, %on)"] },
  where: { derived: ["%y = where(condition: %on, x: %x, y: %z)"] },
};
const scalars = Object.fromEntries(
  Object.entries(scalarFunctions).map(([name, { arity }]) => [
    name,
    truths[name] ?? (arity === 1 ? unary(name) : binary(name)),
  ]),
) as { readonly [K in ScalarName]: Case };

const norm = (name: string): Case => ({
  derived: [`%y = ${name}(x: %x, eps: 1e-5)`],
  refused: [["over_positions", `%y = ${name}(x: %xt, eps: 1e-5)`]],
});

/** Every op of the language, derived or refused with its reason. */
const cases: { readonly [K in CoreOp]: Case } = {
  ...scalars,
  constant: { derived: ["%c = constant(dtype: f32, shape: [4], values: [1, 2, 3, 4])\n%y = add(%x, %c)"] },
  full: { derived: ["%c = full(dtype: f32, shape: [B, T, 4], value: 2)\n%y = add(%x, %c)"] },
  iota: {
    derived: ["%c = reshape(%positions, shape: [T, 1])\n%y = add(%x, %c)"],
    refused: [
      [
        "odd_size",
        "%i = iota(size: T*4)\n%f = cast(%i, dtype: f32)\n%r = reshape(%f, shape: [T, 4])\n%y = add(%x, %r)",
      ],
    ],
  },
  relative_bucket: {
    derived: [
      "%b = relative_bucket(rows: T, columns: T, buckets: 8, far: 16, causal: true)\n%f = cast(%b, dtype: f32)\n%y = attend(q: %q, k: %q, v: %q, bias: %f, causal: true, scale: 1)",
    ],
  },
  reshape: {
    derived: [
      "%r = reshape(%x, shape: [B*T, 4])\n%l = linear(x: %r, weight: %w)\n%y = reshape(%l, shape: [B, T, 4])",
      "%y = reshape(%x, shape: [B, T, 2, 2])",
    ],
    refused: [
      ["odd_size", "%r = reshape(%x, shape: [B*T, 4])\n%y0 = reshape(%r, shape: [T, B, 4])\n%y = tanh(%y0)"],
    ],
  },
  permute: { derived: ["%y = permute(%x, axes: [1, 0, 2])"] },
  broadcast: {
    derived: [
      "%y = broadcast(%x, shape: [3, B, T, 4])",
      "%r = reshape(%v, shape: [1, 4])\n%b = broadcast(%r, shape: [T, 4])\n%y = add(%x, %b)",
    ],
  },
  slice: {
    derived: [
      "%p = concat([%pad, %x], axis: 1)\n%s = slice(%p, axis: 1, start: 0, size: T)\n%y = add(%x, %s)",
      "%p = concat([%pad, %x], axis: 1)\n%s = slice(%p, axis: 1, start: 1, size: T + 1)\n%t = tanh(%s)\n%y = slice(%t, axis: 1, start: 0, size: T)",
      "%y = slice(%x, axis: 1, start: T - 1, size: 1)",
      "%s = slice(%x, axis: 1, start: 0, size: 1)\n%y = add(%x, %s)",
      "%s = slice(%table, axis: 0, start: 2, size: T)\n%y = add(%x, %s)",
      "%s = slice(%table, axis: 0, start: T + 1, size: 1)\n%l = slice(%x, axis: 1, start: T - 1, size: 1)\n%y = add(%s, %l)",
      "%p = concat([%pad, %x], axis: 1)\n%y = slice(%p, axis: 1, start: T, size: 2)",
      "%y = slice(%x, axis: 2, start: 1, size: 2)",
    ],
    refused: [
      [
        "later_rows",
        "%p = concat([%x, %pad], axis: 1)\n%s = slice(%p, axis: 1, start: 1, size: T)\n%y = add(%x, %s)",
      ],
      ["fixed_rows", "%s = slice(%x, axis: 1, start: 1, size: 1)\n%y = add(%x, %s)"],
      ["newest_rows", "%y = slice(%x, axis: 1, start: T - 2, size: 1)"],
      ["newest", "%s = slice(%x, axis: 1, start: T - 1, size: 1)\n%y = add(%x, %s)"],
      ["run_time_cut", "%r = slice(%table, axis: 0, start: T, size: T)\n%y = add(%x, %r)"],
    ],
  },
  concat: {
    derived: [
      "%p = concat([%pad, %x, %pad], axis: 1)\n%s = slice(%p, axis: 1, start: 1, size: T)\n%y = add(%x, %s)",
      "%p = concat([%pad, %x], axis: 1)\n%h1 = reshape(%p, shape: [B, 1, T + 2, 4])\n%x1 = reshape(%x, shape: [B, 1, T, 4])\n%y = attend(q: %x1, k: %h1, v: %h1, causal: true, scale: 1)",
      "%r = reshape(%table, shape: [1, 48, 4])\n%b = broadcast(%r, shape: [B, 48, 4])\n%p = concat([%b, %x], axis: 1)\n%h1 = reshape(%p, shape: [B, 1, T + 48, 4])\n%x1 = reshape(%x, shape: [B, 1, T, 4])\n%y = attend(q: %x1, k: %h1, v: %h1, causal: true, scale: 1)",
      "%y = concat([%x, %z], axis: 2)",
    ],
    refused: [
      [
        "two_texts",
        "%p = concat([%x, %z], axis: 1)\n%s = slice(%p, axis: 1, start: 0, size: T)\n%y = add(%x, %s)",
      ],
      [
        "front",
        "%r = slice(%table, axis: 0, start: 0, size: 1)\n%r1 = reshape(%r, shape: [1, 1, 4])\n%b = broadcast(%r1, shape: [B, 1, 4])\n%p = concat([%b, %x], axis: 1)\n%s = slice(%p, axis: 1, start: 0, size: T)\n%y = add(%x, %s)",
      ],
      [
        "leads",
        "%p = concat([%pad, %x], axis: 1)\n%b = concat([%x, %pad], axis: 1)\n%s = add(%p, %b)\n%y = slice(%s, axis: 1, start: 0, size: T)",
      ],
    ],
  },
  cast: { derived: ["%y = cast(%ids, dtype: f32)"] },
  reduce_sum: {
    derived: ["%y = reduce_sum(%x, axes: [2])", "%s = reduce_sum(%kept, axes: [2])\n%y = tanh(%s)"],
    refused: [
      ["unhidden", "%y = reduce_sum(%scores, axes: [2])"],
      ["over_positions", "%s = reduce_sum(%x, axes: [1], keep: true)\n%y = add(%x, %s)"],
      [
        "over_positions",
        "%s = reduce_sum(%kept, axes: [1, 2])\n%r = reshape(%s, shape: [B, 1, 1])\n%y = add(%x, %r)",
      ],
    ],
  },
  reduce_mean: {
    derived: ["%y = reduce_mean(%x, axes: [2])"],
    refused: [["over_positions", "%y = reduce_mean(%kept, axes: [2])"]],
  },
  reduce_max: {
    derived: ["%y = reduce_max(%x, axes: [2])", "%y = reduce_max(%hidden, axes: [2])"],
    refused: [["unhidden", "%y = reduce_max(%kept, axes: [2])"]],
  },
  reduce_min: {
    derived: ["%y = reduce_min(%x, axes: [2])"],
    refused: [["over_positions", "%y = reduce_min(%hidden, axes: [2])"]],
  },
  cumsum: {
    derived: [
      "%y = cumsum(%x, axis: 1)",
      "%y = cumsum(%x, axis: 2)",
      "%s = cumsum(%positions, axis: 0)\n%r = reshape(%s, shape: [T, 1])\n%y = add(%x, %r)",
    ],
    refused: [
      [
        "merged",
        "%r = reshape(%x, shape: [B, T*2, 2])\n%s = cumsum(%r, axis: 1)\n%y = reshape(%s, shape: [B, T, 4])",
      ],
      [
        "leads",
        "%p = concat([%pad, %x], axis: 1)\n%s = cumsum(%p, axis: 1)\n%y = slice(%s, axis: 1, start: 0, size: T)",
      ],
      [
        "grows",
        "%s = cumsum(%kept, axis: 1)\n%k = where(condition: %past, x: %s, y: %zero)\n%y = reduce_sum(%k, axes: [2])",
      ],
    ],
  },
  topk: {
    derived: ["%y, %i = topk(%x, k: 2)"],
    refused: [["over_positions", "%y, %i = topk(%xt, k: 2)"]],
  },
  spread: { derived: ["%t, %i = topk(%x, k: 2)\n%y = spread(values: %t, indices: %i, size: 4)"] },
  take: {
    derived: ["%t, %i = topk(%x, k: 2)\n%y = take(x: %x, indices: %i)"],
    refused: [
      ["over_positions", "%c = full(dtype: i32, shape: [B, 4, 1], value: 0)\n%y = take(x: %xt, indices: %c)"],
    ],
  },
  softmax: {
    derived: ["%y = softmax(%x)", "%p = softmax(%hidden)\n%y = matmul(a: %p, b: %x)"],
    refused: [
      ["over_positions", "%y = softmax(%x, axis: 1)"],
      [
        "unhidden",
        "%p = softmax(%scores)\n%k = where(condition: %past, x: %p, y: %zero)\n%y = matmul(a: %k, b: %x)",
      ],
      [
        "empty_row",
        "%before = gt(%row, %key)\n%s = where(condition: %before, x: %scores, y: %low)\n%p = softmax(%s)\n%y = matmul(a: %p, b: %x)",
      ],
    ],
  },
  log_softmax: {
    derived: ["%y = log_softmax(%x)"],
    refused: [["over_positions", "%y = log_softmax(%x, axis: 1)"]],
  },
  matmul: {
    derived: [
      "%y = matmul(a: %x, b: %w)",
      "%y = matmul(a: %kept, b: %x)",
      "%t = permute(%kept, axes: [0, 2, 1])\n%y = matmul(a: %xt, b: %t)",
      "%y = matmul(a: %x, b: %memory, transpose_b: true)",
    ],
    refused: [
      ["unhidden", "%y = matmul(a: %scores, b: %x)"],
      ["over_positions", "%s = matmul(a: %xt, b: %x)\n%y = matmul(a: %x, b: %s)"],
      ["pairs", "%s = matmul(a: %kept, b: %kept)\n%y = matmul(a: %s, b: %x)"],
    ],
  },
  linear_attend: {
    derived: [
      "%y, %s = linear_attend(q: %q, k: %q, v: %q)",
      "%n = neg(%q)\n%y, %s = linear_attend(q: %q, k: %q, v: %q, decay: %n)",
      "%b = slice(%x, axis: 2, start: 0, size: 2)\n%c = sigmoid(%b)\n%r = permute(%c, axes: [0, 2, 1])\n%half = slice(%w, axis: 0, start: 0, size: 2)\n%j = reshape(%half, shape: [1, 2, 2, 2])\n%i = broadcast(%j, shape: [B, 2, 2, 2])\n%y, %s = linear_attend(q: %q, k: %q, v: %q, beta: %r, state: %i)",
    ],
    refused: [
      [
        "over_positions",
        "%o, %s = linear_attend(q: %q, k: %q, v: %q)\n%r = reshape(%s, shape: [B, 4, 2])\n%y = matmul(a: %x, b: %r)",
      ],
    ],
  },
  routed_linear: {
    derived: [
      "%t, %i = topk(%x, k: 2)\n%r = reshape(%x, shape: [B, T, 1, 4])\n%mats = reshape(%w, shape: [4, 1, 4])\n%s = routed_linear(x: %r, weight: %mats, chosen: %i)\n%y = reduce_sum(%s, axes: [2])",
      "%t, %i = topk(%x, k: 1)\n%r = reshape(%x, shape: [B, T, 1, 4])\n%mats = reshape(%w, shape: [2, 4, 2])\n%two = full(dtype: i32, shape: [], value: 2)\n%j = mod(%i, %two)\n%s = routed_linear(x: %r, weight: %mats, chosen: %j, layout: in_out)\n%y = reshape(%s, shape: [B, T, 2])",
    ],
    refused: [
      [
        "weight",
        "%t, %i = topk(%x, k: 1)\n%r = reshape(%x, shape: [B, T, 1, 4])\n%mats = reshape(%table, shape: [1, 48, 4])\n%cut = slice(%mats, axis: 1, start: 0, size: T)\n%s = routed_linear(x: %r, weight: %cut, chosen: %i)\n%u = reduce_sum(%s, axes: [2])\n%k = where(condition: %past, x: %u, y: %zero)\n%y = reduce_sum(%k, axes: [2])",
      ],
    ],
  },
  linear: {
    derived: ["%y = linear(x: %x, weight: %w, bias: %v)"],
    refused: [
      [
        "mixed",
        "%r = slice(%table, axis: 0, start: 0, size: T)\n%s = linear(x: %x, weight: %r)\n%k = where(condition: %past, x: %s, y: %zero)\n%y = reduce_sum(%k, axes: [2])",
      ],
    ],
  },
  embedding: {
    derived: ["%y = embedding(table: %table, ids: %ids)"],
    refused: [
      ["mixed", "%r = slice(%table, axis: 0, start: 0, size: T)\n%y = embedding(table: %r, ids: %ids)"],
    ],
  },
  conv2d: {
    derived: [
      "%c = conv2d(x: %image, weight: %kernel, padding: [2, 0], groups: 4)\n%y = slice(%c, axis: 2, start: 0, size: T)",
      "%z0 = full(dtype: f32, shape: [B, 4, 2, 1], value: 1)\n%p = concat([%z0, %image], axis: 2)\n%y = conv2d(x: %p, weight: %kernel, groups: 4)",
    ],
    refused: [
      ["later_rows", "%c = conv2d(x: %image, weight: %kernel, padding: [1, 0], groups: 4)\n%y = tanh(%c)"],
      [
        "odd_size",
        "%c = conv2d(x: %image, weight: %kernel, padding: [1, 0], stride: [2, 1], groups: 4)\n%y = tanh(%c)",
      ],
      [
        "weight",
        "%i = reshape(%table, shape: [48, 1, 4, 1])\n%k = slice(%i, axis: 0, start: 0, size: T)\n%r = reshape(%k, shape: [1, T, 4, 1])\n%f = reshape(%x, shape: [B, T, 4, 1])\n%c = conv2d(x: %f, weight: %r)\n%s = reshape(%c, shape: [B, 1, 1])\n%y = add(%x, %s)",
      ],
    ],
  },
  max_pool2d: {
    derived: [
      "%f = reshape(%x, shape: [B*T, 1, 2, 2])\n%p = max_pool2d(%f, kernel: [2, 2], stride: [2, 2])\n%y = reshape(%p, shape: [B, T, 1])",
    ],
    refused: [["steps", "%p = max_pool2d(%image, kernel: [1, 1], stride: [1, 1])\n%y = tanh(%p)"]],
  },
  rope: {
    derived: [
      "%y = rope(x: %q)",
      "%y = rope(x: %h, layout: heads_last)",
      "%two = full(dtype: i32, shape: [], value: 2)\n%p = mul(%at, %two)\n%y = rope(x: %q, positions: %p)",
      "%y = rope(x: %q, positions: %ids)",
    ],
    refused: [
      [
        "length_scaling",
        "%f = reshape(%x, shape: [B, 1, T, 4])\n%y = rope(x: %f, scaling: dynamic, factor: 2, original: 8)",
      ],
    ],
  },
  attend: {
    derived: [
      "%y = attend(q: %q, k: %q, v: %q, causal: true, scale: 1)",
      "%y = attend(q: %h, k: %h, v: %h, causal: true, window: 3, alibi: true, softcap: 2, scale: 1, layout: heads_last)",
      "%y = attend(q: %q, k: %q, v: %q, mask: %past, scale: 1)",
      "%bias = where(condition: %past, x: %zero, y: %low)\n%y = attend(q: %q, k: %q, v: %q, bias: %bias, scale: 1)",
      "%y = attend(q: %q, k: %mk, v: %mk, scale: 1)",
    ],
    refused: [
      ["later_keys", "%y = attend(q: %q, k: %q, v: %q, scale: 1)"],
      ["fixed_memory", "%y = attend(q: %q, k: %mk, v: %mk, alibi: true, scale: 1)"],
      [
        "all_queries",
        "%y0 = attend(q: %mk, k: %q, v: %q, scale: 1)\n%s = reduce_sum(%y0, axes: [1, 2, 3])\n%r = reshape(%s, shape: [B, 1, 1])\n%y = add(%x, %r)",
      ],
      ["mixed", "%y0 = attend(q: %h, k: %h, v: %h, scale: 1)\n%y = tanh(%y0)"],
    ],
  },
  layer_norm: norm("layer_norm"),
  rms_norm: norm("rms_norm"),
  l2_norm: norm("l2_norm"),
  batch_norm: {
    derived: ["%y = batch_norm(x: %x, mean: %mean, variance: %variance, eps: 1e-5, axis: 2)"],
    refused: [
      [
        "weight",
        "%t0 = slice(%table, axis: 0, start: 0, size: T)\n%t1 = slice(%t0, axis: 1, start: 0, size: 1)\n%t = reshape(%t1, shape: [T])\n%y = batch_norm(x: %x, mean: %t, variance: %t, eps: 1e-5, axis: 1)",
      ],
    ],
  },
  cross_entropy: {
    refused: [["over_positions", "%l = cross_entropy(logits: %x, targets: %ids)\n%y = add(%x, %l)"]],
  },
  mean_squared_error: { refused: [["over_positions", "%l = mean_squared_error(%x, %z)\n%y = add(%x, %l)"]] },
  accuracy: { refused: [["over_positions", "%l = accuracy(logits: %x, targets: %ids)\n%y = add(%x, %l)"]] },
  dropout: {
    derived: ["%y = dropout(x: %x, rate: 0.5)"],
    refused: [
      [
        "training",
        "%d = constant(dtype: i32, shape: [2], values: [1, 2])\n%y = dropout(x: %x, key: %d, rate: 0.5)",
      ],
    ],
  },
  batch_statistics: {
    refused: [
      [
        "training",
        "%c, %d, %e, %f = batch_statistics(x: %x, running_mean: %mean, running_variance: %variance, axis: 2)\n%y = add(%x, %c)",
      ],
    ],
  },
};

/** What is refused whatever its ops are. */
const ofGraphs: NonNullable<Case["refused"]> = [
  ["output_rows", "%y = concat([%pad, %x], axis: 1)"],
  ["output_rows", "%y = where(condition: %past, x: %scores, y: %zero)"],
  ["output_rows", "%y = reshape(%x, shape: [B*T, 4])"],
  ["not_core", "%y = recompute(x: %x, after: %x)"],
];

function graphOf(body: Body): Graph {
  const text = `graph ops {${declarations}\n${body}\noutput y = %y\n}`;
  const { graph, diagnostics } = readGraph({ name: "ops.ir", text });
  if (graph === undefined) throw new Error(diagnostics.map((each) => showDiagnostic(each)).join("\n"));
  expect(verifyGraph(graph)).toEqual([]);
  return graph;
}

/** Sums of a run begin with that of the run before: other roundings than one long sum. */
const TOLERANCE = 1e-12;

describe.each([...Object.entries(cases), ["a graph", { refused: ofGraphs }] as const])(
  "%s",
  (_, { derived = [], refused = [] }) => {
    test.each(derived.map((body, at) => [at + 1, body] as const))("is derived, case %i", (_at, body) => {
      const graph = graphOf(body);
      const decoding = decodingProgram(graph, { verify: true });
      if (decoding instanceof Refusal) throw decoding;
      const reference = new Reference(graph, "T", { B: 2, T: 9, S: 3 });
      for (const runs of [chunks("all", 4, 1, 1, 3), chunks("append", 1, 3, 5)])
        expect(decodedDifference(reference, decoding, runs, 12)).toBeLessThanOrEqual(TOLERANCE);
    });

    test.each(refused)("is refused: %s", (reason, body) => {
      const refusal = decodingProgram(graphOf(body));
      expect(refusal).toBeInstanceOf(Refusal);
      expect((refusal as Refusal).reason).toBe(reason);
    });
  },
);

/** Of graphs that have no body to speak of: near.test.ts; of texts that begin at places of their own: ragged.test.ts. */
const elsewhere: readonly RefusalReason[] = [
  ...(["no_positions", "no_output"] as const),
  ...(["no_batch", "mixed_batch", "begins"] as const),
];

test("every reason is one that some graph is refused for", () => {
  const found = [...Object.values(cases), { refused: ofGraphs }].flatMap(({ refused = [] }: Case) =>
    refused.map(([reason]) => reason),
  );
  expect(new Set([...found, ...elsewhere])).toEqual(new Set(refusalReasons));
});
