import { diffArrays } from "diff";
import { printGraph } from "../../src/ir/print.ts";
import { pipeline } from "../../src/passes/pipeline.ts";
import type { Stage } from "./build.ts";

/** A pass that changed the graph. */
export interface ShownPass {
  readonly name: string;
  /** Why it stands where it does. */
  readonly because: string;
  readonly nodes: number;
}

export interface DiffLine {
  readonly kind: "same" | "added" | "removed" | "left out";
  readonly text: string;
}

export interface PassDiff {
  readonly added: number;
  readonly removed: number;
  readonly lines: readonly DiffLine[];
}

export const passesOf = (stages: readonly Stage[]): readonly ShownPass[] =>
  stages.map(({ name, graph }) => ({
    name,
    because: pipeline.find(({ pass }) => pass.name === name)?.because ?? "the model as it was written",
    nodes: graph.nodes.length,
  }));

/** Lines that are the same around a change are shown; of more of them only how many there are. */
const AROUND = 2;

/**
 * What a pass changed in the graph's text. Lines are the same if they are so but for the names of values, which the printer
 * counts anew; parameters are left out.
 */
export function changesBy(stages: readonly Stage[], index: number): PassDiff {
  const after = linesOf(stages[index]!);
  const before = index === 0 ? after : linesOf(stages[index - 1]!);
  const parts = diffArrays(before, after, { comparator: (a, b) => unnamed(a) === unnamed(b) });
  const count = (of: "added" | "removed"): number =>
    parts.reduce((sum, part) => sum + (part[of] ? part.count : 0), 0);
  const lines = parts.flatMap(({ added, removed, value }, at): readonly DiffLine[] => {
    if (added || removed) return value.map((text) => ({ kind: added ? "added" : "removed", text }));
    if (parts.length === 1) return value.map((text) => ({ kind: "same", text }));
    return shortened(value, at === 0 ? 0 : AROUND, at === parts.length - 1 ? 0 : AROUND);
  });
  return { added: count("added"), removed: count("removed"), lines };
}

function shortened(lines: readonly string[], head: number, tail: number): readonly DiffLine[] {
  const same = (text: string): DiffLine => ({ kind: "same", text });
  const left = lines.length - head - tail;
  if (left <= 1) return lines.map(same);
  return [
    ...lines.slice(0, head).map(same),
    { kind: "left out", text: `${left} lines as before` },
    ...lines.slice(lines.length - tail).map(same),
  ];
}

const linesOf = ({ graph }: Stage): string[] =>
  printGraph(graph)
    .trimEnd()
    .split("\n")
    .filter((line) => !/^ {2}(?:parameter|dim) /.test(line));

const unnamed = (line: string): string => line.replaceAll(/%[\w.]+/g, "%");
