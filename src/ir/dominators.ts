import type { Node, Value } from "./graph.ts";
import { operandValues } from "./node.ts";

/**
 * For each value that nodes, in their order, make of another the nearest one before it that all its ways from there go through
 * (Cooper, Harvey and Kennedy 2001).
 */
export function dominatorsOf(start: Value, nodes: readonly Node[]): ReadonlyMap<Value, Value> {
  const before = new Map<Value, Value>();
  const depth = new Map<Value, number>([[start, 0]]);
  const meet = (a: Value, b: Value): Value => {
    let [x, y] = [a, b];
    while (x !== y)
      if (depth.get(x)! >= depth.get(y)!) x = before.get(x)!;
      else y = before.get(y)!;
    return x;
  };
  for (const node of nodes) {
    const made = operandValues(node).filter((value) => depth.has(value));
    if (made.length === 0) continue;
    const nearest = made.reduce(meet);
    for (const value of node.results) {
      before.set(value, nearest);
      depth.set(value, depth.get(nearest)! + 1);
    }
  }
  return before;
}

/** The values that every way from the start to a value goes through, both among them, in order. */
export function waysThrough(end: Value, before: ReadonlyMap<Value, Value>): readonly Value[] {
  const path = [end];
  for (let at = before.get(end); at !== undefined; at = before.get(at)) path.push(at);
  return path.reverse();
}
