import type { Node, NodeOf, Value } from "../../ir/graph.ts";
import { scalarFunctions } from "../../ops/scalar.ts";
import { alongOf, axisFromFront } from "./along.ts";
import type { Affine, Axes, Corner, Fact } from "./fact.ts";
import { evaluated } from "./known.ts";
import { operandsWithAxes } from "./operands.ts";

/** Numbers that are as good as -∞ before a softmax: e^x of them is 0 beside any score. */
const HIDDEN = -1e9;

export const isHidden = (number: number | undefined): boolean => number !== undefined && number <= HIDDEN;

type Part = "above" | "equal";

/** What a value is in a part of the square of two of its axes of positions. */
export function cornerOf(fact: Fact, row: number, key: number, part: Part): number | undefined {
  if (fact.known !== undefined) return fact.known;
  return fact.corners.find((corner) => corner.row === row && corner.key === key)?.[part];
}

/** What a node's result is above and on the diagonal, for each two of its axes of positions. */
export function cornersOf(node: Node, axes: Axes, factOf: (value: Value) => Fact): Corner[] {
  const all = [...axes].flatMap(([axis, { kind }]) => (kind === "rows" ? [axis] : []));
  return all.flatMap((row) =>
    all
      .filter((key) => key !== row)
      .map((key) => {
        const square = new Square(node, row, key, factOf);
        return { row, key, above: square.number("above"), equal: square.number("equal") };
      })
      .filter(({ above, equal }) => above !== undefined || equal !== undefined),
  );
}

/** The square of two axes of a node's result. */
class Square {
  readonly #node: Node;
  readonly #row: number;
  readonly #key: number;
  readonly #factOf: (value: Value) => Fact;

  constructor(node: Node, row: number, key: number, factOf: (value: Value) => Fact) {
    this.#node = node;
    this.#row = row;
    this.#key = key;
    this.#factOf = factOf;
  }

  number(part: Part): number | undefined {
    const node = this.#node;
    switch (node.op) {
      case "reshape":
      case "permute":
      case "broadcast":
      case "cast":
        return this.#in(node.operands.x, part);
      case "softmax":
        return this.#softmax(node, part);
      case "matmul":
        return part === "above" && this.#isTriangular(node) ? 0 : undefined;
      case "lt":
      case "le":
      case "gt":
      case "ge":
      case "eq":
      case "ne":
        return this.#compared(node, part);
      case "where": {
        const condition = this.#in(node.operands.condition, part);
        const [x, y] = [node.operands.x, node.operands.y].map((value) => this.#in(value, part));
        if (condition !== undefined) return condition === 0 ? y : x;
        // Whichever it is: the same number, or hidden.
        return x === y || (isHidden(x) && isHidden(y)) ? x : undefined;
      }
      default:
        return this.#function(part);
    }
  }

  /** The operand there, on the axes that run along with the two. */
  #in(value: Value, part: Part): number | undefined {
    const fact = this.#factOf(value);
    if (fact.known !== undefined) return fact.known;
    const operand = operandsWithAxes(this.#node, this.#factOf).find((each) => each.value === value)!;
    const [row, key] = [this.#row, this.#key].map((axis) => alongOf(this.#node, axis, operand));
    return row === undefined || key === undefined ? undefined : cornerOf(fact, row, key, part);
  }

  /** Hidden scores have no part. */
  #softmax({ operands: { x }, attrs }: NodeOf<"softmax">, part: Part): number | undefined {
    const isOverKeys = axisFromFront(attrs.axis, x.type.shape) === this.#key;
    return isOverKeys && isHidden(this.#in(x, part)) ? 0 : undefined;
  }

  /** A product of two square matrices that are 0 above the diagonal is one. */
  #isTriangular({ operands: { a, b }, attrs, results }: NodeOf<"matmul">): boolean {
    const rank = results[0]!.type.shape.length;
    if (this.#row !== rank - 2 || this.#key !== rank - 1 || attrs.transpose_b) return false;
    return [a, b].every((value) => {
      const last = value.type.shape.length - 1;
      return (
        this.#factOf(value).axes.has(last) && cornerOf(this.#factOf(value), last - 1, last, "above") === 0
      );
    });
  }

  #function(part: Part): number | undefined {
    const node = this.#node;
    const numbers = operandsWithAxes(node, this.#factOf).map(({ value }) => this.#in(value, part));
    if (node.op === "and" && numbers.includes(0)) return 0;
    if (node.op === "or" && numbers.some((number) => number !== undefined && number !== 0)) return 1;
    if (node.op === "mul" && numbers.includes(0)) return 0;
    // What is added to a score leaves it hidden.
    if (node.op === "add" && numbers.some(isHidden)) return numbers.find(isHidden);
    if (node.op === "sub" && isHidden(numbers[0])) return numbers[0];
    return evaluated(node, numbers);
  }

  /** x ? y of affine values is slope · (row - key) + offset ? 0, which is decided for all key > row or for none. */
  #compared(node: NodeOf<"lt" | "le" | "gt" | "ge" | "eq" | "ne">, part: Part): number | undefined {
    const difference = this.#difference(node.operands.x, node.operands.y);
    if (difference === undefined) return undefined;
    const { slope, offset } = difference;
    if (part === "equal") return scalarFunctions[node.op].evaluate(offset, 0);
    // For key ≥ row + 1, x - y is at most offset - slope, or y - x at most slope - offset.
    return slope > 0 ? below(node.op, offset - slope) : below(mirrored[node.op], slope - offset);
  }

  #difference(x: Value, y: Value): { readonly slope: number; readonly offset: number } | undefined {
    const [a, b] = [this.#affine(x), this.#affine(y)];
    if (a === undefined || b === undefined) return undefined;
    const slopeOf = (axis: number): number => (a.slopes.get(axis) ?? 0) - (b.slopes.get(axis) ?? 0);
    const isOfOthers = [...a.slopes.keys(), ...b.slopes.keys()].some(
      (axis) => axis !== this.#row && axis !== this.#key && slopeOf(axis) !== 0,
    );
    const slope = slopeOf(this.#row);
    if (isOfOthers || slope === 0 || slope + slopeOf(this.#key) !== 0) return undefined;
    return { slope, offset: a.offset - b.offset };
  }

  /** An operand's affine form on the axes of the result, at which it is aligned from the last. */
  #affine(value: Value): Affine | undefined {
    const affine = this.#factOf(value).affine;
    if (affine === undefined) return undefined;
    const shift = this.#node.results[0]!.type.shape.length - value.type.shape.length;
    return { ...affine, slopes: new Map([...affine.slopes].map(([axis, slope]) => [axis + shift, slope])) };
  }
}

type Comparison = "lt" | "le" | "gt" | "ge" | "eq" | "ne";

/** The comparison of -x with 0 that is that of x. */
const mirrored = { lt: "gt", le: "ge", gt: "lt", ge: "le", eq: "eq", ne: "ne" } as const;

/** What x ? 0 is for all x that are at most `most`, and come as low as one likes. */
function below(comparison: Comparison, most: number): number | undefined {
  switch (comparison) {
    case "ge":
    case "eq":
      return most < 0 ? 0 : undefined;
    case "gt":
      return most <= 0 ? 0 : undefined;
    case "le":
      return most <= 0 ? 1 : undefined;
    case "lt":
    case "ne":
      return most < 0 ? 1 : undefined;
  }
}
