import type { Graph } from "../../src/ir/graph.ts";
import { readGraph } from "../../src/ir/read.ts";
import { verifyGraph } from "../../src/ir/verify.ts";

/** The graph of a text, which must be whole. */
export function graphOf(text: string): Graph {
  const { graph, diagnostics } = readGraph({ name: "states.ir", text });
  if (graph === undefined) throw new Error(diagnostics.map(({ message }) => message).join("; "));
  const problems = verifyGraph(graph);
  if (problems.length > 0) throw new Error(problems.join("; "));
  return graph;
}

/** Attention over all that came so far: N new rows after P, of which a cache of C rows keeps keys and values. */
export const cache = `graph cache {
  dim B
  dim N <= 8
  dim P given
  dim C <= 64 given
  input %x: f32[B, N, 4]
  parameter %wk: f32[4, 4] = uniform(-0.5, 0.5) "wk"
  parameter %wv: f32[4, 4] = uniform(-0.5, 0.5) "wv"
  state %keys: f32[B, C, 1, 4] = constant(0) "keys"
  state %values: f32[B, C, 1, 4] = constant(0) "values"
  %k: f32[B, N, 4] = linear(x: %x, weight: %wk)
  %v: f32[B, N, 4] = linear(x: %x, weight: %wv)
  %0: f32[B, N, 1, 4] = reshape(%k, shape: [B, N, 1, 4])
  %1: f32[B, N, 1, 4] = reshape(%v, shape: [B, N, 1, 4])
  %2: f32[B, C, 1, 4] = write(x: %keys, part: %0, axis: 1, start: P)
  %3: f32[B, C, 1, 4] = write(x: %values, part: %1, axis: 1, start: P)
  %4: f32[B, N + P, 1, 4] = slice(%2, axis: 1, start: 0, size: N + P)
  %5: f32[B, N + P, 1, 4] = slice(%3, axis: 1, start: 0, size: N + P)
  %6: f32[B, N, 1, 4] = reshape(%x, shape: [B, N, 1, 4])
  %y: f32[B, N, 1, 4] = attend(q: %6, k: %4, v: %5, causal: true, scale: 0.5, layout: heads_last)
  output y = %y
  next %keys = %2
  next %values = %3
}
`;

/** A cache beside a count of the runs and the last row, which moves up a place: whole numbers, and a state read late. */
export const counted = `graph counted {
  dim B
  input %x: f32[B, 3]
  state %runs: i32[2] = constant(5) "runs"
  state %last: f32[B, 2, 3] = constant(-1) "last"
  %one: i32[] = full(dtype: i32, shape: [], value: 1)
  %more: i32[2] = add(%runs, %one)
  %0: f32[B, 1, 3] = slice(%last, axis: 1, start: 1, size: 1)
  %1: f32[B, 2, 3] = write(x: %last, part: %0, axis: 1, start: 0)
  %2: f32[B, 1, 3] = reshape(%x, shape: [B, 1, 3])
  %3: f32[B, 2, 3] = write(x: %1, part: %2, axis: 1, start: 1)
  %sum: f32[B, 3] = reduce_sum(%3, axes: [1])
  output sum = %sum
  output runs = %more
  next %runs = %more
  next %last = %3
}
`;
