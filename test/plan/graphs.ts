import type { Graph } from "../../src/ir/graph.ts";
import { readGraph } from "../../src/ir/read.ts";
import { planGraph } from "../../src/plan/build.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { showDiagnostic } from "../../src/support/diagnostic.ts";

/** A graph from IR text. */
export function graphOf(body: string): Graph {
  const result = readGraph({ name: "test.ir", text: `graph test {\n${body}\n}` });
  if (result.graph === undefined)
    throw new Error(result.diagnostics.map((each) => showDiagnostic(each)).join("\n"));
  return result.graph;
}

export const planOf = (body: string): Plan => planGraph(graphOf(body));

/** The op of each step, in order. */
export const stepOps = (plan: Plan): string[] => plan.steps.map(({ op }) => op);

/** Where each step's results lie: the numbers of slots, or the kind of home. */
export const resultHomes = (plan: Plan): (number | string)[] =>
  plan.steps.flatMap(({ results }) =>
    results.map(({ buffer }) => {
      const { home } = plan.buffers[buffer]!;
      return home.kind === "slot" ? home.slot : home.kind;
    }),
  );
