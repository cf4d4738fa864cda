import type { Graph } from "../ir/graph.ts";
import { printGraph } from "../ir/print.ts";
import { checkText } from "./filecheck.ts";
import { compiledGraph, fusedEdge, type Explained, type MatchResult } from "./fused.ts";

/** What has IR text: a graph, what `compile` gives, or the text itself. */
export type IrSubject = Graph | Omit<Explained, "remarks"> | string;

/**
 * Matchers for vitest and jest: `expect.extend(irMatchers)`, then `expect(graph).toMatchIr("CHECK: add_norm")` and
 * `expect(compiled).toFuseEdge("h.0 edge 1")`.
 */
export const irMatchers = {
  /** IR text, or a graph or a compilation that is printed first, against lines of checks; see `checkText`. */
  toMatchIr(received: IrSubject, checks: string): MatchResult {
    const result = checkText(irText(received), checks);
    return {
      pass: result.ok,
      message: () => (result.ok ? "expected the IR not to match" : result.message),
    };
  },

  /** Whether the add of a residual edge is part of an `add_norm`. */
  toFuseEdge: (received: Explained, name: string | number): MatchResult => fusedEdge(received, name),
} as const;

const irText = (received: IrSubject): string =>
  typeof received === "string"
    ? received
    : printGraph("nodes" in received ? received : compiledGraph(received));

/** The matchers' signatures, for `declare module "vitest" { interface Matchers<T> extends IrMatchers<T> {} }`. */
export interface IrMatchers<R = unknown> {
  toMatchIr: (checks: string) => R;
  toFuseEdge: (name: string | number) => R;
}

/** The same check without a test framework; throws an error that says what is missing and where. */
export function expectIr(received: IrSubject): { readonly toMatchIr: (checks: string) => void } {
  return {
    toMatchIr: (checks) => {
      const { pass, message } = irMatchers.toMatchIr(received, checks);
      if (!pass) throw new Error(message());
    },
  };
}
