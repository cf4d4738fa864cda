import type { Node, Value } from "../../ir/graph.ts";
import { constantDim } from "../../tensor/dim.ts";
import type { Dtype } from "../../tensor/dtype.ts";
import { alongOf, type Operand } from "./along.ts";
import type { Affine, Axes, Fact } from "./fact.ts";

/** A number known to be all of a value, as what grows with no axis. */
const constant = (offset: number): Affine => ({ slopes: new Map(), offset });

/**
 * What a node's result is of the indices of its axes of positions, through iota, moves, casts, sums, differences, and
 * products with numbers; undefined if it is not affine, or not exactly so in f32.
 */
export function affineOf(
  node: Node,
  axes: Axes,
  known: number | undefined,
  factOf: (value: Value) => Fact,
): Affine | undefined {
  if (known !== undefined) return exact(constant(known));
  const moved = (value: Value, name: string): Affine | undefined =>
    movedTo(node, axes, { name, value, axes: factOf(value).axes }, factOf(value).affine);
  switch (node.op) {
    case "iota": {
      const offset = constantDim(node.attrs.start);
      const isPositions = axes.get(0)?.kind === "rows" && offset !== undefined;
      return isPositions ? exact({ slopes: new Map([[0, 1]]), offset }) : undefined;
    }
    case "reshape":
    case "permute":
    case "broadcast":
      return moved(node.operands.x, "x");
    case "cast":
      return castTo(node.attrs.dtype, moved(node.operands.x, "x"));
    case "add":
    case "sub":
      return combined(moved(node.operands.x, "x"), moved(node.operands.y, "y"), node.op === "add" ? 1 : -1);
    case "mul":
      return (
        scaled(moved(node.operands.x, "x"), factOf(node.operands.y).known) ??
        scaled(moved(node.operands.y, "y"), factOf(node.operands.x).known)
      );
    case "div": {
      const by = factOf(node.operands.y).known;
      return by === 0 ? undefined : scaled(moved(node.operands.x, "x"), by && 1 / by);
    }
    default:
      return undefined;
  }
}

/** The operand's slopes on the axes of the result that they run along; undefined if one is lost. */
function movedTo(node: Node, axes: Axes, operand: Operand, affine: Affine | undefined): Affine | undefined {
  if (affine === undefined) return undefined;
  const slopes = new Map<number, number>();
  for (const axis of axes.keys()) {
    const at = alongOf(node, axis, operand);
    const slope = at === undefined ? undefined : affine.slopes.get(at);
    if (slope !== undefined) slopes.set(axis, slope);
  }
  return slopes.size === affine.slopes.size ? { slopes, offset: affine.offset } : undefined;
}

function combined(x: Affine | undefined, y: Affine | undefined, sign: 1 | -1): Affine | undefined {
  if (x === undefined || y === undefined) return undefined;
  const slopes = new Map(x.slopes);
  for (const [axis, slope] of y.slopes) slopes.set(axis, (slopes.get(axis) ?? 0) + sign * slope);
  return exact({ slopes, offset: x.offset + sign * y.offset });
}

function scaled(x: Affine | undefined, by: number | undefined): Affine | undefined {
  if (x === undefined || by === undefined || by === 0) return undefined;
  return exact({
    slopes: new Map([...x.slopes].map(([axis, slope]) => [axis, slope * by])),
    offset: x.offset * by,
  });
}

/** A whole number stays what it is as i32 and f32; halves of precision would make neighbouring positions equal. */
function castTo(dtype: Dtype, x: Affine | undefined): Affine | undefined {
  if (x === undefined || dtype === "f32" || dtype === "f64") return x;
  return dtype === "i32" && numbersOf(x).every(Number.isInteger) ? x : undefined;
}

const numbersOf = ({ slopes, offset }: Affine): number[] => [offset, ...slopes.values()];

/** Parts of a position that f32 holds without rounding at every position below 2^14. */
const FINEST = 1024;

const exact = (x: Affine): Affine | undefined =>
  numbersOf(x).every((number) => Number.isInteger(number * FINEST)) ? x : undefined;
