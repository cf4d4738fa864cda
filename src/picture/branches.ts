import type { Value } from "../ir/graph.ts";
import { operandValues } from "../ir/node.ts";
import type { Flow, Line } from "./flow.ts";
import { nodesOf, resultsOf, type Joint, type Layer, type Part } from "./parts.ts";

/** One branch of an edge: norms of its own, what it computes, and what goes into it. */
export interface Branch {
  readonly pre: readonly Layer[];
  readonly line: Line;
  readonly out: readonly Layer[];
  readonly entry: Value | undefined;
}

export interface Branches {
  /** Norms that several branches read. */
  readonly shared: readonly Layer[];
  readonly branches: readonly Branch[];
}

/** The branches that an edge adds, each with the parts that lead to it and to none before. */
export function branchesOf(joint: Joint, flow: Flow): Branches {
  const { join, body, roles } = joint;
  const wanted = roles.pre.length > 0 ? roles.pre.flatMap(resultsOf) : [flow.addedTo(joint)];
  const ends = join.operands.branches.map((value) => passedOf(value, roles, flow));
  let left: readonly Part[] = body;
  const found = ends.map(({ exit, out }, at): Branch => {
    const mine = at === ends.length - 1 ? left : leadingTo(left, exit);
    left = left.filter((part) => !mine.includes(part));
    const line = flow.line(mine, exit, wanted);
    const pre = roles.pre.filter((norm) => line.entry !== undefined && resultsOf(norm).includes(line.entry));
    return { pre, line, out, entry: pre.length > 0 ? flow.readsOf(pre)[0] : line.entry };
  });
  const shared = roles.pre.filter((norm) => found.filter(({ pre }) => pre.includes(norm)).length > 1);
  const own = (branch: Branch): Branch => ({
    ...branch,
    pre: branch.pre.filter((norm) => !shared.includes(norm)),
  });
  return { shared, branches: found.map(own) };
}

/** What a branch computes before its gain and its norms, and these norms. */
function passedOf(
  added: Value,
  roles: Joint["roles"],
  flow: Flow,
): { readonly exit: Value | undefined; readonly out: readonly Layer[] } {
  const out: Layer[] = [];
  let exit: Value | undefined = added;
  for (;;) {
    const value: Value | undefined = exit;
    const layer: Layer | undefined = [...roles.out, ...roles.branch].find(
      (each) => value !== undefined && resultsOf(each).includes(value),
    );
    if (layer === undefined) return { exit, out };
    if (roles.out.includes(layer)) out.unshift(layer);
    exit = flow.readsOf([layer])[0];
  }
}

/** Of some parts those that a value is computed from. */
function leadingTo(parts: readonly Part[], exit: Value | undefined): readonly Part[] {
  const wanted = new Set(exit === undefined ? [] : [exit]);
  const found = parts.toReversed().filter((part) => {
    if (!resultsOf(part).some((value) => wanted.has(value))) return false;
    for (const value of nodesOf(part).flatMap(operandValues)) wanted.add(value);
    return true;
  });
  return found.toReversed();
}
