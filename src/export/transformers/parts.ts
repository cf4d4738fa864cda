import type { Value } from "../../ir/graph.ts";
import { isLoop, type RolledPart } from "../../ir/roll/rolled.ts";
import { readBy } from "../torch/liveness.ts";

/** The parts that results are made by, down to what is given. */
export function partsFor(
  parts: readonly RolledPart[],
  results: readonly Value[],
  until: ReadonlySet<Value>,
): readonly RolledPart[] {
  const needed = new Set(results.filter((value) => !until.has(value)));
  const found = parts.toReversed().filter((part) => {
    const made = isLoop(part) ? part.iterations.flatMap(({ outputs }) => outputs) : part.results;
    if (!made.some((value) => needed.has(value))) return false;
    for (const value of readBy(part)) if (!until.has(value)) needed.add(value);
    return true;
  });
  return found.reverse();
}
