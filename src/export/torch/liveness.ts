import { operandValues } from "../../ir/node.ts";
import type { Value } from "../../ir/graph.ts";
import { isLoop, type RolledPart } from "../../ir/roll/rolled.ts";
import { largest } from "../../support/lists.ts";

/*
 * What the statements of a function read, and when: by it a value is written where it is read, or has a name until its last reader.
 */

/** What a loop carries has its name from the beginning, if nothing else reads it. */
export function carriedNames(
  parts: readonly RolledPart[],
  readers: ReadonlyMap<Value, readonly number[]>,
): ReadonlyMap<Value, string> {
  const names = new Map<Value, string>();
  for (const part of parts) {
    if (!isLoop(part) || part.chain?.lanes.length !== 1) continue;
    const { initial } = part.chain.lanes[0]!;
    if (readers.get(initial)?.length === 1) names.set(initial, "x");
  }
  return names;
}

/** By the places of the parts that read a value, twice if twice. */
export function readersOf(parts: readonly RolledPart[]): ReadonlyMap<Value, readonly number[]> {
  const readers = new Map<Value, number[]>();
  for (const [at, part] of parts.entries())
    for (const value of readBy(part)) {
      const found = readers.get(value);
      if (found === undefined) readers.set(value, [at]);
      else found.push(at);
    }
  return readers;
}

/** What a part reads of its surroundings. Batch norms read what their statistics do. */
export function readBy(part: RolledPart): readonly Value[] {
  if (!isLoop(part)) return operandValues(part);
  const { chain, iterations } = part;
  return chain === undefined
    ? iterations.flatMap(({ inputs }) => inputs)
    : [...chain.lanes.map(({ initial }) => initial), ...chain.invariants];
}

/** Ops whose text reads well inside of what reads them. */
const nesting: ReadonlySet<string> = new Set(
  (
    "linear reshape permute slice cast broadcast rope silu gelu gelu_tanh relu relu2 tanh sigmoid softplus square exp neg sqrt " +
    "rsqrt log abs iota dropout add sub mul div pow eq ne lt le gt ge not l2_norm take"
  ).split(" "),
);

/** Results that are written where they are read: by one node, once. */
export function nestedIn(
  parts: readonly RolledPart[],
  readers: ReadonlyMap<Value, readonly number[]>,
  results: ReadonlySet<Value>,
): ReadonlySet<Value> {
  const nested = new Set<Value>();
  for (const part of parts) {
    if (isLoop(part) || !nesting.has(part.op)) continue;
    const [value] = part.results as [Value];
    const [reader, ...others] = readers.get(value) ?? [];
    if (reader === undefined || others.length > 0 || results.has(value)) continue;
    if (!isLoop(parts[reader]!)) nested.add(value);
  }
  return nested;
}

/** When each value is read last; what is written inside of another node is read with that. */
export function lastReads(
  parts: readonly RolledPart[],
  readers: ReadonlyMap<Value, readonly number[]>,
  nested: ReadonlySet<Value>,
  results: readonly Value[],
): ReadonlyMap<Value, number> {
  const last = new Map<Value, number>();
  const ends = parts.map((_, at) => at);
  for (let at = parts.length - 1; at >= 0; at--) {
    const part = parts[at]!;
    if (isLoop(part)) continue;
    const [value] = part.results as [Value];
    if (nested.has(value)) ends[at] = ends[readers.get(value)![0]!]!;
  }
  for (const [value, places] of readers) last.set(value, largest(places.map((at) => ends[at]!)));
  for (const value of results) last.set(value, parts.length);
  return last;
}
