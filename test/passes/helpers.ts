import { expect } from "vitest";
import type { Graph } from "../../src/ir/graph.ts";
import { printGraph } from "../../src/ir/print.ts";
import { readGraph } from "../../src/ir/read.ts";
import { verifyGraph } from "../../src/ir/verify.ts";
import { portableTarget, type Target } from "../../src/kernels/target.ts";
import { checkPasses } from "../../src/passes/check.ts";
import { noPacking } from "../../src/passes/packing.ts";
import type { Pass, Remark } from "../../src/passes/pass.ts";
import { showDiagnostic } from "../../src/support/diagnostic.ts";

/** Run-time dims and values that most tests read: a stream, two branches, a mask, and parameters by their use. */
const declarations = `
  dim B
  dim T
  input %x: f32[B, T, 4]
  input %f: f32[B, T, 4]
  input %g: f32[B, T, 4]
  parameter %w: f32[4] = constant(1) "ln.weight"
  parameter %b: f32[4] = constant(0) "ln.bias"
  parameter %w2: f32[4] = constant(1) "ln_2.weight"
  parameter %b2: f32[4] = constant(0) "ln_2.bias"
  parameter %row: f32[4] = constant(0) "row"
  parameter %gain: f32[1] = constant(1) "gain"
  parameter %scalar: f32[] = constant(1) "scalar"
  parameter %a: f32[4, 4] = normal(0, 1) "a.weight"
  parameter %c: f32[4, 4] = normal(0, 1) "c.weight"
  parameter %d: f32[6, 4] = normal(0, 1) "d.weight"
  parameter %bias: f32[4] = constant(0) "a.bias"
  parameter %bias6: f32[6] = constant(0) "d.bias"`;

/** A graph from nodes and outputs as IR text; more declarations may stand first. */
export function graphOf(body: string): Graph {
  const name = "test.ir";
  const result = readGraph({ name, text: `graph test {${declarations}\n${body}\n}` });
  if (result.graph === undefined)
    throw new Error(result.diagnostics.map((each) => showDiagnostic(each)).join("\n"));
  return result.graph;
}

/** Runs passes one after the other; each result must verify and compute what the graph before it computes. */
export function runChecked(
  graph: Graph,
  passes: readonly Pass[],
  target: Target = portableTarget,
): { graph: Graph; remarks: Remark[] } {
  const remarks: Remark[] = [];
  let current = graph;
  for (const pass of passes) {
    current = pass.run(current, { report: (remark) => remarks.push(remark), target, packing: noPacking });
    expect(verifyGraph(current)).toEqual([]);
  }
  expect(checkPasses(graph, { passes, target })).toBeUndefined();
  return { graph: current, remarks };
}

/** The nodes and outputs after passes, as text; what `graphOf` declares is left out. */
export function irAfter(passes: Pass | readonly Pass[], body: string, annotations = false): string {
  const list = "run" in passes ? [passes] : passes;
  return nodesText(runChecked(graphOf(body), list).graph, annotations);
}

export const nodesText = (graph: Graph, annotations = false): string =>
  printGraph(graph, { annotations })
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.startsWith("%") || line.startsWith("output"))
    .join("\n");

/** What the passes said, a line each: the reason and the sentence of a refusal, the kernel of a fusion. */
export function remarksOf(passes: Pass | readonly Pass[], body: string): string[] {
  const list = "run" in passes ? [passes] : passes;
  return runChecked(graphOf(body), list).remarks.map(showRemark);
}

export function showRemark({ edges, outcome }: Remark): string {
  const parts = edges.map(({ edge, role }) => `${edge}.${role} `).join("");
  return outcome.kind === "fused"
    ? `${parts}fused into ${outcome.into}`
    : `${parts}${outcome.reason}: ${outcome.message}`;
}
