import type { Node } from "../ir/graph.ts";
import { largest, smallest } from "../support/lists.ts";
import { everyPart, type Part } from "./parts.ts";
import type { Join, Mark, Path, Pill } from "./scene.ts";

const TICK = 6;
/** How far a bracket goes on where the kernel's other half is in the next iteration. */
const OPEN = 26;

/**
 * What one kernel computes of the residual edges, as brackets at the left of the line: an add and the norms around it. A kernel
 * whose norm opens the next iteration has a bracket that goes on below, and one that comes from above.
 */
export function bracketsOf(
  kernels: readonly Node[],
  marks: readonly Mark[],
  parts: readonly Part[],
): readonly Path[] {
  const keys = new Map<number, string>();
  for (const part of everyPart(parts)) if (part.kind === "joint") keys.set(part.index, part.key);
  const joins = new Map<string, Join>();
  const pills = new Map<string, Pill>();
  for (const mark of marks) {
    if (mark.kind === "join") joins.set(keys.get(mark.edge)!, mark);
    if (mark.kind === "pill") pills.set(`${keys.get(mark.edge)!} ${mark.role}`, mark);
  }
  /** Of the iterations that are drawn as one, the kernel that holds most. */
  const found = new Map<Join, { readonly normed: readonly Pill[]; readonly label: string }>();
  for (const { origin } of kernels) {
    const added = origin.edges.find(({ role }) => role === "join");
    const join = added === undefined ? undefined : joins.get(keys.get(added.edge)!);
    const normed = origin.edges.flatMap(({ edge, role }) => pills.get(`${keys.get(edge)!} ${role}`) ?? []);
    if (join !== undefined && normed.length > (found.get(join)?.normed.length ?? 0))
      found.set(join, { normed, label: origin.label });
  }
  return [...found].flatMap(([join, { normed, label }]): readonly Path[] => {
    const hover = label === "" ? "one kernel" : `one kernel: ${label}`;
    const later = normed.filter((pill) => pill.role === "pre" && pill.y < join.y);
    const near = normed.filter((pill) => !later.includes(pill));
    const below = near.filter(({ role }) => role === "post").map(({ w }) => w / 2 + 8);
    const x = join.x - largest(below, 16);
    const top = smallest(
      near.map(({ y }) => y),
      join.y - 8,
    );
    const bottom = largest(
      near.map(({ y, h }) => y + h),
      join.y + 8,
    );
    const tick = (at: number) => ({ x: x + TICK, y: at });
    const bar = (at: number) => ({ x, y: at });
    const path = (points: Path["points"]): Path => ({ kind: "path", role: "bracket", points, hover });
    if (later.length === 0) return [path([tick(top), bar(top), bar(bottom), tick(bottom)])];
    const end = largest(later.map(({ y, h }) => y + h));
    const begin = smallest(later.map(({ y }) => y)) - OPEN;
    return [path([tick(top), bar(top), bar(join.y + 8 + OPEN)]), path([bar(begin), bar(end), tick(end)])];
  });
}
