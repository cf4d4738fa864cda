import { elementsOf } from "../../../checkpoint/stored.ts";
import type { Value } from "../../../ir/graph.ts";
import { constantDim, dim, sameDim } from "../../../tensor/dim.ts";
import { sameShape } from "../../../tensor/type.ts";
import { affineOf, axisMap, countingAxis } from "../affine.ts";
import { shortest } from "../numbers.ts";
import type { Around, Recognize } from "../rewrite.ts";
import { addends } from "./factors.ts";

type Producer = ReturnType<Around["producer"]>;

/** x cos + rotated sin: what is turned, by which tables of cosine and sine. */
interface Turn {
  readonly x: Value;
  /** How many of its first channels turn. */
  readonly dims: number;
  readonly cos: Value;
  readonly sin: Value;
  readonly pairs: "halves" | "interleaved";
  /** Whether tables have a column for each channel, the same in both of a pair, or one a pair. */
  readonly isWhole: boolean;
}

/** x · cos + rotate(x) · sin => rope(x): positions that count from 0, and frequencies that are θ^(-2i/d). */
const rope: Recognize = (node, around) => {
  const result = node.results[0]!;
  if (result.type.shape.length !== 4) return undefined;
  const turn =
    node.op === "add"
      ? rotatedHalves(result, around)
      : node.op === "concat"
        ? splitHalves(node, around)
        : interleavedPairs(node, around);
  if (turn === undefined) return undefined;
  const rows = turn.x.type.shape[2]!;
  const angle = angleOf(turn, around);
  const frequencies = angle && frequenciesOf(angle, turn, turn.dims, rows, around);
  const theta = frequencies && thetaOf(frequencies, turn.dims);
  if (theta === undefined) return undefined;
  const dims = turn.dims === widthOf(turn.x) ? 0 : turn.dims;
  return around.make.emit("rope", { x: turn.x, positions: undefined }, { theta, dims, pairs: turn.pairs });
};

/** concat(rope(x₁), x₂), of the first channels of x and the others => rope(x) of the first. */
const partial: Recognize = (node, around) => {
  if (node.op !== "concat" || node.attrs.axis !== 3 || node.operands.values.length !== 2) return undefined;
  const [turned, rest] = node.operands.values;
  const inner = around.producer(turned!);
  if (inner?.op !== "rope" || inner.attrs.dims !== 0) return undefined;
  const dims = widthOf(inner.operands.x)!;
  const first = channelsOf(inner.operands.x, around);
  if (first?.start !== 0 || !isRest(rest!, first.x, dims, around)) return undefined;
  return around.make.emit("rope", { ...inner.operands, x: first.x }, { ...inner.attrs, dims });
};

const widthOf = ({ type }: Value): number | undefined => constantDim(type.shape[3]!);

/** Some channels that are next to each other, and what they are of. */
function channelsOf(
  value: Value,
  around: Around,
): { readonly x: Value; readonly start: number; readonly size: number } | undefined {
  const node = around.producer(value);
  if (node?.op !== "slice" || node.attrs.axis !== 3) return undefined;
  const [start, size] = [node.attrs.start, node.attrs.size].map(constantDim);
  return start === undefined || size === undefined ? undefined : { x: node.operands.x, start, size };
}

/** Whether a value is all channels of x but the first. */
function isRest(value: Value, x: Value, dims: number, around: Around): boolean {
  const rest = channelsOf(value, around);
  return rest?.x === x && rest.start === dims && rest.start + rest.size === widthOf(x);
}

/** The two factors of a product, in both orders. */
function pairsOf(value: Value, around: Around): readonly (readonly [Value, Value])[] {
  const node = around.producer(value);
  if (node?.op !== "mul") return [];
  const { x, y } = node.operands;
  return [
    [x, y],
    [y, x],
  ];
}

/** x cos + concat(-x₂, x₁) sin, as transformers has it. */
function rotatedHalves(value: Value, around: Around): Turn | undefined {
  for (const [first, second] of addends(value, around))
    for (const [turned, sin] of pairsOf(second, around)) {
      const head = beforeRotation(turned, around);
      if (head === undefined) continue;
      for (const [x, cos] of pairsOf(first, around))
        if (isHead(x, head, around)) return { x, dims: head.dims, cos, sin, pairs: "halves", isWhole: true };
    }
  return undefined;
}

/** The first channels of a value, or all of them. */
interface Head {
  readonly x: Value;
  readonly dims: number;
}

function isHead(value: Value, { x, dims }: Head, around: Around): boolean {
  if (value === x) return widthOf(x) === dims;
  const channels = channelsOf(value, around);
  return channels?.x === x && channels.start === 0 && channels.size === dims;
}

/** x of concat(-x₂, x₁). */
function beforeRotation(value: Value, around: Around): Head | undefined {
  const node = around.producer(value);
  if (node?.op !== "concat" || node.attrs.axis !== 3 || node.operands.values.length !== 2) return undefined;
  const [negative, first] = node.operands.values;
  const inner = around.producer(negative!);
  return inner?.op === "neg" ? halves(first!, inner.operands.x, around) : undefined;
}

/** The channels of which one value is the first half, and another the second. */
function halves(first: Value, second: Value, around: Around): Head | undefined {
  const [a, b] = [channelsOf(first, around), channelsOf(second, around)];
  if (a === undefined || a.x !== b?.x || a.start !== 0 || b.start !== a.size || b.size !== a.size)
    return undefined;
  return { x: a.x, dims: 2 * a.size };
}

/** concat(x₁ cos - x₂ sin, x₂ cos + x₁ sin), as ONNX's own op is defined, and behind it the channels that stay. */
function splitHalves(
  node: Extract<Parameters<Recognize>[0], { op: "concat" }>,
  around: Around,
): Turn | undefined {
  const [left, right, rest, ...others] = node.operands.values;
  if (left === undefined || right === undefined || others.length > 0 || node.attrs.axis !== 3)
    return undefined;
  const found = crossed(left, right, around);
  const head = found && halves(found.a, found.b, around);
  if (!head) return undefined;
  const { cos, sin } = found;
  const { x, dims } = head;
  if (rest !== undefined && !isRest(rest, x, dims, around)) return undefined;
  const isAll = rest !== undefined || dims === widthOf(x);
  const turned = isAll ? x : around.make.emit("slice", { x }, { axis: 3, start: dim(0), size: dim(dims) });
  return { x: turned, dims, cos, sin, pairs: "halves", isWhole: false };
}

/** a cos - b sin and b cos + a sin. */
function crossed(left: Value, right: Value, around: Around) {
  const minus = around.producer(left);
  if (minus?.op !== "sub") return undefined;
  for (const [a, cos] of pairsOf(minus.operands.x, around))
    for (const [b, sin] of pairsOf(minus.operands.y, around))
      for (const [first, second] of addends(right, around)) {
        const isFirst = pairsOf(first, around).some(([x, y]) => x === b && y === cos);
        const isSecond = pairsOf(second, around).some(([x, y]) => x === a && y === sin);
        if (isFirst && isSecond) return { a, b, cos, sin };
      }
  return undefined;
}

/** The same of channels 2i and 2i + 1, put side by side again. */
function interleavedPairs(node: Parameters<Recognize>[0], around: Around): Turn | undefined {
  const joined = node.op === "reshape" ? around.producer(node.operands.x) : undefined;
  if (joined?.op !== "concat" || joined.attrs.axis !== 4 || joined.operands.values.length !== 2)
    return undefined;
  const [left, right] = joined.operands.values.map((each) => {
    const view = around.producer(each);
    return view?.op === "reshape" ? view.operands.x : undefined;
  });
  const found = left && right && crossed(left, right, around);
  if (!found) return undefined;
  const { a, b, cos, sin } = found;
  const [x, other] = [every(a, 0, around), every(b, 1, around)];
  const dims = x === undefined ? undefined : widthOf(x);
  return x !== undefined && x === other && dims !== undefined
    ? { x, dims, cos, sin, pairs: "interleaved", isWhole: false }
    : undefined;
}

/** The value of which another has every second channel: reshape(slice(reshape(x, [.., K/2, 2]))). */
function every(value: Value, which: 0 | 1, around: Around): Value | undefined {
  const view = around.producer(value);
  const part = view?.op === "reshape" ? around.producer(view.operands.x) : undefined;
  if (part?.op !== "slice" || part.attrs.axis !== 4 || constantDim(part.attrs.start) !== which)
    return undefined;
  const apart = around.producer(part.operands.x);
  if (apart?.op !== "reshape" || constantDim(part.operands.x.type.shape[4]!) !== 2) return undefined;
  const { x } = apart.operands;
  return x.type.shape.length === 4 && sameDim(x.type.shape[3], value.type.shape[3] && doubled(value))
    ? x
    : undefined;
}

const doubled = ({ type }: Value) => dim(2 * (constantDim(type.shape[3]!) ?? NaN));

/** The angles whose cosine and sine the tables are, a row for each row; a factor of 1 beside them is gone already. */
function angleOf({ x, cos, sin }: Turn, around: Around): Value | undefined {
  const rows = x.type.shape[2];
  if (![cos, sin].every(({ type }) => sameDim(type.shape.at(-2), rows))) return undefined;
  const [c, s] = [bare(cos, around), bare(sin, around)].map((value) => around.producer(value));
  return c?.op === "cos" && s?.op === "sin" && c.operands.x === s.operands.x ? c.operands.x : undefined;
}

/** A table without the axes of one that heads stretch over: the others stay in their order. */
function bare(value: Value, around: Around): Value {
  const node = around.producer(value);
  if (node?.op !== "reshape" && node?.op !== "broadcast") return value;
  const { x } = node.operands;
  const [from, to] = [x.type.shape, value.type.shape];
  const isSame =
    node.op === "reshape" ? axisMap(node, from, to) !== undefined : sameShape(from.slice(-2), to.slice(-2));
  return isSame ? bare(x, around) : value;
}

/** The numbers that positions are multiplied by, one a pair. */
function frequenciesOf(
  angle: Value,
  turn: Turn,
  width: number,
  rows: Value["type"]["shape"][number],
  around: Around,
): readonly number[] | undefined {
  const table = turn.isWhole ? oneOfTwo(angle, around) : angle;
  const product = table && around.producer(bare(table, around));
  if (product === undefined) return undefined;
  const isTurned = product.op === "permute";
  const sides = isTurned ? turnedFactors(product, around) : factorsIn(product);
  if (sides === undefined) return undefined;
  // Angles are [.., T, K/2]: positions count along the axis before the last, and numbers lie along the last.
  const [down, along] = isTurned ? [1, 2] : [2, 1];
  for (const [positions, numbers] of [sides, sides.toReversed()]) {
    const counts = countsFromZero(positions!, rows, down, around);
    const values = counts ? numbersOf(numbers!, along, around) : undefined;
    if (values?.length === width / 2) return values;
  }
  return undefined;
}

/** f of concat(f, f). */
function oneOfTwo(value: Value, around: Around): Value | undefined {
  const node = around.producer(value);
  if (node?.op !== "concat" || node.operands.values.length !== 2) return undefined;
  const [a, b] = node.operands.values;
  return a === b ? a : undefined;
}

/** The factors of a product of elements, or of a column and a row. */
function factorsIn(node: Producer): readonly Value[] | undefined {
  if (node?.op === "mul") return [node.operands.x, node.operands.y];
  return node?.op === "matmul" && !node.attrs.transpose_b ? [node.operands.a, node.operands.b] : undefined;
}

/** The factors of a product [.., K/2, T] that is turned to [.., T, K/2]. */
function turnedFactors(
  { operands, attrs: { axes } }: Extract<Producer, { op: "permute" }>,
  around: Around,
): readonly Value[] | undefined {
  const isTurned = axes.at(-1) === axes.length - 2 && axes.at(-2) === axes.length - 1;
  return isTurned ? factorsIn(around.producer(bare(operands.x, around))) : undefined;
}

/** Whether a value is 0, 1, 2, … along one axis, so many from the end, which has a place for each row. */
function countsFromZero(
  value: Value,
  rows: Value["type"]["shape"][number],
  fromEnd: number,
  around: Around,
): boolean {
  const affine = affineOf(value, around.producer);
  if (affine === undefined || constantDim(affine.constant) !== 0) return false;
  const axis = countingAxis(affine);
  return axis === value.type.shape.length - fromEnd && sameDim(value.type.shape[axis], rows);
}

/** The elements of a vector of the file along one axis, so many from the end, whatever axes of one it has. */
function numbersOf(value: Value, fromEnd: number, around: Around): readonly number[] | undefined {
  const inner = bare(value, around);
  const node = around.producer(inner);
  const tensor = around.tensor(inner);
  const values =
    node?.op === "constant" ? node.attrs.values : tensor && Array.from(elementsOf(tensor), Number);
  return values?.length === constantDim(value.type.shape.at(-fromEnd) ?? dim(0)) ? values : undefined;
}

/** θ where pair i turns by θ^(-2i/d), each to the rounding of 32 bits. */
function thetaOf(frequencies: readonly number[], width: number): number | undefined {
  const second = frequencies[1];
  if (frequencies[0] !== 1 || second === undefined) return undefined;
  // The last pair has the largest power, and so the closest θ.
  const last = frequencies.length - 1;
  const theta = Number((frequencies[last]! ** (-width / (2 * last))).toPrecision(6));
  const isTheta = frequencies.every(
    (each, pair) => Math.abs(each / theta ** ((-2 * pair) / width) - 1) < 5e-7,
  );
  return isTheta ? shortest(theta) : undefined;
}

export const ropeRules: readonly Recognize[] = [rope, partial];
