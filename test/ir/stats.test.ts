import { describe, expect, test } from "vitest";
import { evaluateCost, nodeBytes, nodeFlops, peakBytes, statsOf, type StatsRow } from "../../src/ir/stats.ts";
import { showDim } from "../../src/tensor/dim.ts";
import { graphOf, twoLayers } from "./graphs.ts";

const sizes = new Map([
  ["B", 2],
  ["T", 8],
]);

/** Operations and bytes of the last node of a text. */
function lastNode(lines: string): [string, string] {
  const graph = graphOf(`graph g {\n  dim B\n  dim T\n${lines}\n}`);
  const node = graph.nodes.at(-1)!;
  return [showDim(nodeFlops(node)), showDim(nodeBytes(node))];
}

describe("a node's operations and bytes, counted by hand", () => {
  test.each<[string, string, string, string]>([
    // 2·3·5 a row and 5 additions of the bias; 4 bytes a number: x 3, W 15, b 5, out 5.
    [
      "linear with bias",
      '  input %x: f32[B, 3]\n  parameter %w: f32[5, 3] = constant(0) "w"\n  parameter %b: f32[5] = constant(0) "b"\n  %y = linear(x: %x, weight: %w, bias: %b)',
      "35*B",
      "32*B + 80",
    ],
    // 2·T·4 operations for each of the B·T·T results; reads 4·T·B twice, writes T·T·B.
    [
      "matmul",
      "  input %a: f32[B, T, 4]\n  input %b: f32[B, 4, T]\n  %y = matmul(a: %a, b: %b)",
      "8*B*T*T",
      "4*B*T*T + 32*B*T",
    ],
    // Only the rows that are looked up, not the table: 2·(6·4) for out and rows, 4 for the id.
    [
      "embedding",
      '  input %ids: i32[T]\n  parameter %t: f32[100, 6] = constant(0) "t"\n  %y = embedding(table: %t, ids: %ids)',
      "0",
      "52*T",
    ],
    ["an operand that is read twice is loaded once", "  input %x: f16[T]\n  %y = mul(%x, %x)", "T", "4*T"],
    ["reshape moves nothing", "  input %x: f32[B, T]\n  %y = reshape(%x, shape: [B*T])", "0", "0"],
    // Heads 2, T×T scores: 2·T·4 + 2·T·6 + 8 a score.
    [
      "attend",
      "  input %q: f32[B, 2, T, 4]\n  input %v: f32[B, 2, T, 6]\n  %y = attend(q: %q, k: %q, v: %v, scale: 1)",
      "56*B*T*T",
      "128*B*T",
    ],
    [
      "add_norm",
      "  input %x: f32[B, 8]\n  input %y: f32[B, 8]\n  %n, %s = add_norm(source: %x, branches: [%y], norm: layer, eps: 0, affines: [none])",
      "88*B",
      "128*B",
    ],
    [
      "conv2d",
      '  input %x: f32[B, 3, 8, 8]\n  parameter %w: f32[2, 3, 3, 3] = constant(0) "w"\n  %y = conv2d(x: %x, weight: %w)',
      "3888*B",
      "1056*B + 216",
    ],
  ])("%s", (_, lines, flops, bytes) => {
    expect(lastNode(lines)).toEqual([flops, bytes]);
  });
});

describe("a model's statistics", () => {
  const graph = graphOf(twoLayers);
  const stats = statsOf(graph);
  const outline = (rows: readonly StatsRow[]): unknown[] =>
    rows.map(({ name, times, parameters, rows: inner }) => [name, times, parameters, ...outline(inner)]);

  test("parameters count where they are read first, once, and those that nothing reads too", () => {
    // Table 10·4, two norms of 4, two matrices of 4·4, and the counter.
    expect(stats.total.parameters).toBe(40 + 2 * 4 + 2 * 16 + 1);
    expect(stats.trainable).toBe(80);
    expect(stats.parameterBytes).toBe(4 * 81);
  });

  test("repeats fold: h × 2", () => {
    expect(outline(stats.rows)).toEqual([
      ["wte", 1, 40],
      ["h", 2, 40, ["ln", 1, 8], ["fc", 1, 32], ["residual", 1, 0]],
      ["head", 1, 0],
      ["count", 1, 1],
    ]);
  });

  test("a repeat in a block stands in it", () => {
    const experts = graphOf(`graph g {
  input %x: f32[4]
  %0: f32[4] = neg(%x) label "moe.gate"
  %1: f32[4] = exp(%0) label "moe.experts.0.w" scope experts[0]
  %2: f32[4] = exp(%1) label "moe.experts.1.w" scope experts[1]
  output y = %2
}`);
    expect(outline(statsOf(experts).rows)).toEqual([
      ["moe", 1, 0, ["gate", 1, 0], ["experts", 2, 0, ["w", 1, 0]]],
    ]);
  });

  test("the total is the sum of the rows, for any sizes", () => {
    const total = evaluateCost(stats.total, sizes);
    const rows = stats.rows.map((row) => evaluateCost(row, sizes));
    expect(total.flops).toBe(rows.reduce((sum, row) => sum + row.flops, 0));
    expect(total.bytes).toBe(rows.reduce((sum, row) => sum + row.bytes, 0));
    // Two linears 4×4 and the head 4×10, 16 rows each.
    const head = rows[2]!;
    expect(head.flops).toBe(2 * 16 * 4 * 10);
    expect(head.bytes).toBe(4 * (16 * 4 + 10 * 4 + 16 * 10));
  });
});

test("the peak is the largest sum of what is alive: inputs, then values until their last reader", () => {
  const graph = graphOf(`graph g {
  dim B
  input %x: f32[B, 4]
  parameter %w: f32[100, 4] = constant(0) "w"
  %a = linear(x: %x, weight: %w)
  %b = relu(%a)
  %c = reduce_sum(%b, axes: [1])
  output c = %c
}`);
  // At relu: a and b, 100 each; x is gone.
  expect(peakBytes(graph, new Map([["B", 3]]))).toBe(4 * 3 * 200);
});
