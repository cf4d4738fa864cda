import { describe, expect, test } from "vitest";
import type { Fact, Run } from "../../src/incremental/facts/fact.ts";
import { Facts } from "../../src/incremental/facts/facts.ts";
import { readGraph } from "../../src/ir/read.ts";
import { showDiagnostic } from "../../src/support/diagnostic.ts";

const declarations = `
  dim B
  dim T
  dim S
  input %x: f32[B, T, 4]
  input %mask: bool[B, 1, T, T]
  input %memory: f32[B, S, 4]
  input %style: f32[B, 4]
  parameter %w: f32[4, 4] = normal(0, 1) "w"
  parameter %kernel: f32[4, 1, 3, 1] = normal(0, 1) "kernel"
  parameter %table: f32[64, 4] = normal(0, 1) "table"
  %zero: f32[] = full(dtype: f32, shape: [], value: 0)
  %low: f32[] = full(dtype: f32, shape: [], value: -1e30)
  %one: i32[] = full(dtype: i32, shape: [], value: 1)
  %at: i32[T] = iota(size: T)
  %row: i32[T, 1] = reshape(%at, shape: [T, 1])
  %key: i32[1, T] = reshape(%at, shape: [1, T])
  %past: bool[T, T] = ge(%row, %key)
  %xt: f32[B, 4, T] = permute(%x, axes: [0, 2, 1])
  %scores: f32[B, T, T] = matmul(a: %x, b: %xt)`;

/** The facts of the named values of a graph, a line each. */
function factsIn(body: string, ...names: readonly string[]): string[] {
  const { graph, diagnostics } = readGraph({
    name: "facts.ir",
    text: `graph facts {${declarations}\n${body}\n}`,
  });
  if (graph === undefined) throw new Error(diagnostics.map((each) => showDiagnostic(each)).join("\n"));
  const facts = new Facts(graph, "T");
  const values = [
    ...graph.inputs.map(({ value }) => value),
    ...graph.parameters.map(({ value }) => value),
    ...graph.nodes.flatMap(({ results }) => results),
  ];
  return names.map((name) => show(facts.of(values.find(({ hint }) => hint === name)!)));
}

function show({ axes, reach, known, affine, corners }: Fact): string {
  const runs = [...axes].map(([axis, run]) => `${axis}: ${showRun(run)}`);
  const reached = Object.entries(reach).flatMap(([what, reaches]: [string, boolean]) =>
    reaches ? [what] : [],
  );
  const terms = affine && [...affine.slopes].map(([axis, slope]) => `${slope} i${axis}`);
  const parts = [
    runs.join(", "),
    reached.join(" "),
    known === undefined ? "" : `= ${known}`,
    affine === undefined || known !== undefined ? "" : `= ${[...terms!, affine.offset].join(" + ")}`,
    ...corners.map(
      ({ row, key, above, equal }) => `${row}<${key}: ${above ?? "?"}, ${row}=${key}: ${equal ?? "?"}`,
    ),
  ];
  return parts.filter((part) => part !== "").join("; ");
}

const showRun = (run: Run): string =>
  run.kind === "rows"
    ? `${run.lead} + T + ${run.trail}`
    : run.kind === "merged"
      ? `${run.outer.key} * T * ${run.inner.key}`
      : "odd";

test("an input with positions is the text, its other sizes the batch, and what has other ones the context", () => {
  expect(factsIn("", "x", "mask", "memory", "style", "w")).toEqual([
    "1: 0 + T + 0; tokens length",
    "2: 0 + T + 0, 3: 0 + T + 0; tokens length",
    "context",
    "context",
    "",
  ]);
  // A size that no text has is known to callers alone.
  expect(factsIn("%s: i32[S] = iota(size: S)\n%b: i32[B] = iota(size: B)", "s", "b")).toEqual([
    "context",
    "",
  ]);
});

describe("axes and leads", () => {
  test("rows in front add to the lead, a cut in front takes it away, and rows behind are a trail", () => {
    const body = `
      %pad: f32[B, 2, 4] = full(dtype: f32, shape: [B, 2, 4], value: 0)
      %front: f32[B, T + 2, 4] = concat([%pad, %x], axis: 1)
      %behind: f32[B, T + 2, 4] = concat([%x, %pad], axis: 1)
      %back: f32[B, T + 1, 4] = slice(%front, axis: 1, start: 1, size: T + 1)
      %whole: f32[B, T, 4] = slice(%front, axis: 1, start: 0, size: T)
      %ahead: f32[B, T, 4] = slice(%behind, axis: 1, start: 1, size: T)
      %both: f32[B, T + 2, 4] = add(%front, %behind)
      %run: f32[B, T, 4] = slice(%front, axis: 1, start: T - 1, size: T)`;
    expect(factsIn(body, "front", "behind", "back", "whole", "ahead", "both", "run")).toEqual([
      "1: 2 + T + 0; tokens length",
      "1: 0 + T + 2; tokens length",
      "1: 1 + T + 0; tokens length",
      "1: 0 + T + 0; tokens length",
      "1: -1 + T + 1; tokens length",
      "1: 0 + T + 2; tokens length",
      "1: odd; tokens length",
    ]);
  });

  test("a convolution waits for its kernel, less its padding", () => {
    const body = `
      %image: f32[B, 4, T, 1] = reshape(%xt, shape: [B, 4, T, 1])
      %causal: f32[B, 4, T + 2, 1] = conv2d(x: %image, weight: %kernel, padding: [2, 0], groups: 4)
      %same: f32[B, 4, T, 1] = conv2d(x: %image, weight: %kernel, padding: [1, 0], groups: 4)
      %strided: f32[B, 4, div(T - 1, 2) + 1, 1] = conv2d(x: %image, weight: %kernel, padding: [1, 0], stride: [2, 1], groups: 4)`;
    expect(factsIn(body, "causal", "same", "strided")).toEqual([
      "2: 0 + T + 2; tokens length",
      "2: -1 + T + 1; tokens length",
      "2: odd; tokens length",
    ]);
  });

  test("a reshape takes positions along where they keep their place, merged or not", () => {
    const body = `
      %merged: f32[B*T, 4] = reshape(%x, shape: [B*T, 4])
      %back: f32[B, T, 4] = reshape(%merged, shape: [B, T, 4])
      %other: f32[T, B, 4] = reshape(%merged, shape: [T, B, 4])
      %pairs: f32[B, 2*T, 2] = reshape(%x, shape: [B, 2*T, 2])
      %two: f32[B*T, T] = reshape(%scores, shape: [B*T, T])
      %squared: f32[B*T*T] = reshape(%scores, shape: [B*T*T])
      %ids: i32[2*T] = iota(size: 2*T)`;
    expect(factsIn(body, "merged", "back", "other", "pairs", "two", "squared", "ids")).toEqual([
      "0: B * T * 1; tokens length",
      "1: 0 + T + 0; tokens length",
      "0: odd; tokens length",
      "1: 1 * T * 2; tokens length",
      "0: B * T * 1, 1: 0 + T + 0; tokens length",
      "0: odd; tokens length",
      "0: odd; length",
    ]);
  });
});

test("the newest position is told from fixed ones, and what depends on it from the rest", () => {
  const body = `
    %last: f32[B, 1, 4] = slice(%x, axis: 1, start: T - 1, size: 1)
    %first: f32[B, 1, 4] = slice(%x, axis: 1, start: 0, size: 1)
    %entry: f32[1, 4] = slice(%table, axis: 0, start: T, size: 1)
    %rows: f32[T, 4] = slice(%table, axis: 0, start: 0, size: T)
    %late: f32[B, T, 4] = mul(%x, %last)`;
  expect(factsIn(body, "last", "first", "entry", "rows", "late")).toEqual([
    "tokens newest length",
    "tokens length",
    "newest length",
    "0: 0 + T + 0; length",
    "1: 0 + T + 0; tokens newest length",
  ]);
});

test("a value is known to be one number where it is written so, times 0, and where it equals itself", () => {
  const body = `
    %nothing: f32[B, T, 4] = mul(%x, %zero)
    %same: bool[B, T, 4] = eq(%x, %x)
    %four: f32[] = exp(%zero)
    %half: f32[] = full(dtype: f32, shape: [], value: 0.5)
    %cut: i32[] = cast(%half, dtype: i32)
    %list: f32[2] = constant(dtype: f32, shape: [2], values: [3, 3])
    %mixed: f32[2] = constant(dtype: f32, shape: [2], values: [3, 4])`;
  expect(factsIn(body, "nothing", "same", "four", "cut", "list", "mixed")).toEqual([
    "1: 0 + T + 0; = 0",
    "1: 0 + T + 0; = 1",
    "= 1",
    "= 0",
    "= 3",
    "",
  ]);
});

test("positions are affine through moves, sums and factors, while a computer has them exactly", () => {
  const body = `
    %two: i32[] = full(dtype: i32, shape: [], value: 2)
    %third: f32[] = full(dtype: f32, shape: [], value: 0.3)
    %half: f32[] = full(dtype: f32, shape: [], value: 0.5)
    %twice: i32[T, 1] = mul(%row, %two)
    %gap: i32[T, T] = sub(%twice, %key)
    %float: f32[T, 1] = cast(%row, dtype: f32)
    %slow: f32[T, 1] = mul(%float, %half)
    %rounded: i32[T, 1] = cast(%slow, dtype: i32)
    %thirds: f32[T, 1] = mul(%float, %third)
    %short: f16[T, 1] = cast(%row, dtype: f16)`;
  expect(
    factsIn(body, "gap", "float", "slow", "rounded", "thirds", "short").map(
      (line) => line.split("; ")[2] ?? "",
    ),
  ).toEqual(["= 2 i0 + -1 i1 + 0", "= 1 i0 + 0", "= 0.5 i0 + 0", "", "", ""]);
});

describe("above the diagonal", () => {
  const above = (body: string, ...names: string[]) =>
    factsIn(body, ...names).map(
      (line) => line.split("; ").find((part) => part.startsWith("0<1") || part.startsWith("1<2")) ?? "",
    );

  test.each([
    ["ge", "0<1: 0, 0=1: 1"],
    ["gt", "0<1: 0, 0=1: 0"],
    ["le", "0<1: 1, 0=1: 1"],
    ["lt", "0<1: 1, 0=1: 0"],
    ["eq", "0<1: 0, 0=1: 1"],
    ["ne", "0<1: 1, 0=1: 0"],
  ])("row %s key is decided", (op, expected) => {
    const flipped = { ge: "le", gt: "lt", le: "ge", lt: "gt", eq: "eq", ne: "ne" }[op]!;
    expect(
      above(`%m: bool[T, T] = ${op}(%row, %key)\n%n: bool[T, T] = ${flipped}(%key, %row)`, "m", "n"),
    ).toEqual([expected, expected]);
  });

  test("a mask that sees one ahead is not", () => {
    const body = `
      %next: i32[T, 1] = add(%row, %one)
      %leak: bool[T, T] = ge(%next, %key)
      %before: bool[T, T] = gt(%row, %key)
      %strict: bool[T, T] = gt(%next, %key)`;
    expect(above(body, "leak", "before", "strict")).toEqual([
      "0<1: ?, 0=1: 1",
      "0<1: 0, 0=1: 0",
      "0<1: 0, 0=1: 1",
    ]);
  });

  test("it goes through choices, masks, functions, a softmax, and products of what is 0 there", () => {
    const body = `
      %hidden: f32[B, T, T] = where(condition: %past, x: %scores, y: %low)
      %weights: f32[B, T, T] = softmax(%hidden)
      %columns: f32[B, T, T] = softmax(%hidden, axis: 1)
      %decay: f32[B, T, T] = exp(%hidden)
      %added: f32[B, T, T] = add(%scores, %hidden)
      %kept: f32[B, T, T] = where(condition: %past, x: %scores, y: %zero)
      %scaled: f32[B, T, T] = mul(%scores, %kept)
      %shifted: f32[B, T, T] = add(%scores, %kept)
      %twice: f32[B, T, T] = matmul(a: %kept, b: %weights)
      %crossed: f32[B, T, T] = matmul(a: %kept, b: %weights, transpose_b: true)
      %near: bool[T, T] = and(%past, %past)
      %either: bool[T, T] = or(%past, %past)`;
    const names = [
      "hidden",
      "weights",
      "columns",
      "decay",
      "added",
      "scaled",
      "shifted",
      "twice",
      "crossed",
      "near",
      "either",
    ];
    expect(Object.fromEntries(above(body, ...names).map((line, index) => [names[index], line]))).toEqual({
      hidden: "1<2: -1e+30, 1=2: ?",
      weights: "1<2: 0, 1=2: ?",
      columns: "",
      decay: "1<2: 0, 1=2: ?",
      added: "1<2: -1e+30, 1=2: ?",
      scaled: "1<2: 0, 1=2: ?",
      shifted: "",
      twice: "1<2: 0, 1=2: ?",
      crossed: "",
      near: "0<1: 0, 0=1: 1",
      either: "0<1: 0, 0=1: 1",
    });
  });
});
