import type { Node, NodeOf, Value } from "../../ir/graph.ts";
import type { Limits } from "../../kernels/target.ts";
import { sameDim } from "../../tensor/dim.ts";
import { sameShape, sameType, showShape, type Shape, type TensorType } from "../../tensor/type.ts";
import { isNorm, type RowNorm } from "../facts.ts";
import type { Uses } from "../uses.ts";
import type { Found } from "./found.ts";
import { peelGain, type Gain } from "./gain.ts";
import { refuse, type Refusal } from "./reasons.ts";

/** An add read as the join of a residual edge: scale · gain · source + scale · gain · inner(Σ branches + bias). */
export interface Join {
  readonly source: Value;
  readonly branches: readonly Value[];
  readonly order: "branches_first" | "in_turn";
  readonly sourceGain: Gain;
  readonly branchGain: Gain;
  readonly bias: Value | undefined;
  readonly inner: RowNorm | undefined;
  /** The nodes that the kernel makes unnecessary, the add first. */
  readonly absorbed: readonly Node[];
  /** What could not come along. */
  readonly notes: readonly Refusal[];
}

/** Reads an add as a join; what it cannot take over stays a node of its own. */
export function matchJoin(add: NodeOf<"add">, uses: Uses, limits: Limits): Join | Refusal {
  const sides = splitSides(add, uses);
  if ("reason" in sides) return sides;
  const found: Found = { mostBranches: limits.branches, absorbed: [add], notes: [] };
  const sum = add.results[0]!.type;
  const branch = matchBranch(sides, sum, uses, found);
  const isPlain = found.absorbed.length === 1;
  const chain = isPlain ? matchInTurn(sides, uses, found) : undefined;
  const start = chain?.source ?? sides.source;
  const source = peelGain(start, sum, uses, found);
  return {
    source: source.value,
    branches: chain?.branches ?? branch.branches,
    order: chain === undefined ? "branches_first" : "in_turn",
    sourceGain: source.gain,
    branchGain: branch.gain,
    bias: branch.bias,
    inner: branch.inner,
    absorbed: found.absorbed,
    notes: found.notes,
  };
}

interface Sides {
  readonly source: Value;
  readonly branch: Value;
}

/** The source has the sum's shape; the branch may lack leading axes of it. Adds commute, so either may stand first. */
function splitSides(add: NodeOf<"add">, uses: Uses): Sides | Refusal {
  const { x, y } = add.operands;
  const sum = add.results[0]!.type;
  const isJoin = add.origin.edges.some((part) => part.role === "join");
  const ordered = !isJoin && isNormed(x, uses) && !isNormed(y, uses) ? [y, x] : [x, y];
  for (const [source, branch] of [ordered, ordered.toReversed()] as [Value, Value][])
    if (sameType(source.type, sum) && hasRows(branch.type, sum)) return { source, branch };
  const odd = sameType(x.type, sum) ? y : x;
  const hasRow = sameDim(odd.type.shape.at(-1), sum.shape.at(-1));
  return refuse(hasRow ? "broadcast_middle" : "broadcast_row", showShape(odd.type.shape));
}

const isNormed = (value: Value, uses: Uses): boolean =>
  isNorm(uses.producer(value)) && uses.soleUse(value) !== undefined;

/** True if the kernel can add `type` to rows of `sum`, repeating it over the leading axes that it lacks. */
function hasRows(type: TensorType, sum: TensorType): boolean {
  const suffix: Shape = sum.shape.slice(sum.shape.length - type.shape.length);
  return type.shape.length > 0 && type.dtype === sum.dtype && sameShape(type.shape, suffix);
}

interface Branch {
  readonly branches: readonly Value[];
  readonly gain: Gain;
  readonly bias: Value | undefined;
  readonly inner: RowNorm | undefined;
}

function matchBranch({ branch }: Sides, sum: TensorType, uses: Uses, found: Found): Branch {
  const { value, gain } = peelGain(branch, sum, uses, found);
  const inner = takeInner(value, uses, found);
  const biased = takeBias(inner?.operands.x ?? value, uses, found);
  const branches = takeBranches(biased?.value ?? inner?.operands.x ?? value, sum, uses, found);
  return { branches, gain, bias: biased?.bias, inner };
}

/** The norm on the branch, if only the add reads it. */
function takeInner(value: Value, uses: Uses, found: Found): RowNorm | undefined {
  const norm = uses.producer(value);
  if (!isNorm(norm) || uses.soleUse(value) === undefined) return undefined;
  const dtype = value.type.dtype;
  // In f32 and f64 nothing is rounded in between, so both casts are the same.
  if (norm.op === "rms_norm" && norm.attrs.cast === "after" && dtype !== "f32" && dtype !== "f64") {
    found.notes.push(refuse("inner_rounding", dtype));
    return undefined;
  }
  // A norm of another edge's sum belongs there, unless it is written as the out-norm of this one.
  const isJoin = uses.producer(norm.operands.x)?.origin.edges.some((part) => part.role === "join");
  if (isJoin === true && !norm.origin.edges.some((part) => part.role === "out")) return undefined;
  found.absorbed.push(norm);
  return norm;
}

/** v + b with b one number a column. */
function takeBias(value: Value, uses: Uses, found: Found): { value: Value; bias: Value } | undefined {
  const add = uses.producer(value);
  if (add?.op !== "add" || uses.soleUse(value) === undefined) return undefined;
  const width = value.type.shape.at(-1);
  for (const [rest, bias] of [
    [add.operands.x, add.operands.y],
    [add.operands.y, add.operands.x],
  ] as const) {
    const isRow = bias.type.shape.length === 1 && sameDim(bias.type.shape[0], width);
    if (isRow && value.type.shape.length > 1 && sameType(rest.type, value.type)) {
      found.absorbed.push(add);
      return { value: rest, bias };
    }
  }
  return undefined;
}

/** ((b0 + b1) + b2) as three branches: the order of the additions stays. */
function takeBranches(value: Value, sum: TensorType, uses: Uses, found: Found): Value[] {
  const branches = [value];
  for (;;) {
    const add = uses.producer(branches[0]!);
    if (add?.op !== "add" || uses.soleUse(branches[0]!) === undefined) return branches;
    const { x, y } = add.operands;
    if (x === y || !hasRows(x.type, sum) || !hasRows(y.type, sum)) return branches;
    // A normed branch is better off in a kernel of its own, which takes its norm along.
    if (isNormed(x, uses) || isNormed(y, uses)) return branches;
    if (branches.length === found.mostBranches) {
      found.notes.push(refuse("too_many_branches", String(found.mostBranches)));
      return branches;
    }
    found.absorbed.push(add);
    branches.splice(0, 1, x, y);
  }
}

/** (x + a) + m as x with two branches added in turn: two edges in a row whose middle nobody else reads. */
function matchInTurn(
  { source, branch }: Sides,
  uses: Uses,
  found: Found,
): { source: Value; branches: readonly Value[] } | undefined {
  const branches = [branch];
  let first = source;
  for (;;) {
    const add = uses.producer(first);
    if (add?.op !== "add" || uses.soleUse(first) === undefined) break;
    const sides = splitSides(add, uses);
    if ("reason" in sides || sides.source === sides.branch || isNormed(sides.branch, uses)) break;
    if (branches.length === found.mostBranches) {
      found.notes.push(refuse("too_many_branches", String(found.mostBranches)));
      break;
    }
    found.absorbed.push(add);
    branches.unshift(sides.branch);
    first = sides.source;
  }
  return branches.length === 1 ? undefined : { source: first, branches };
}
