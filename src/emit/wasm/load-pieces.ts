import { operandViews, type PlanShared, type Step, type StepOf } from "../../plan/plan.ts";
import { onlyView } from "../../kernels/results.ts";
import { sliceView, type View } from "../../kernels/view.ts";
import { constantDim, dim } from "../../tensor/dim.ts";
import { sizeOf } from "../../tensor/host.ts";
import { tensorType } from "../../tensor/type.ts";
import { PART } from "../../weights/stream.ts";

/**
 * A copy of a part of a weight, which is read into memory for that alone; the same is done again `turns` times, each further on.
 * All in elements.
 */
export interface LoadPiece {
  readonly step: StepOf<"copy">;
  /** Where the first part begins in the weight, and what lies behind it. */
  readonly first: number;
  readonly end: number;
  readonly turns: number;
  /** How much further on the next part is, in the weight and in the result. */
  readonly further: { readonly from: number; readonly to: number };
}

/** The weights that are read a piece at a time: no step wants more of them than copies do, and one piece would be large. */
export function piecedParameters(
  { buffers, prepare }: PlanShared,
  lasting: ReadonlySet<number>,
): ReadonlySet<number> {
  const found = new Set<number>();
  buffers.forEach(({ home, elements }, buffer) => {
    const isLarge = home.kind === "parameter" && (constantDim(elements) ?? 0) > PART;
    if (isLarge && !lasting.has(buffer)) found.add(buffer);
  });
  for (const step of prepare)
    for (const { buffer } of operandViews(step)) if (!isConstantCopy(step)) found.delete(buffer);
  return found;
}

const isConstantCopy = (step: Step): step is StepOf<"copy"> =>
  step.op === "copy" &&
  [step.operands.x, onlyView(step.results)].every(({ offset, strides, type }) =>
    [offset, ...strides, ...type.shape].every((size) => constantDim(size) !== undefined),
  );

/** A copy of a whole weight as copies of its parts, along the axis that it lies in memory by. */
export function piecesOf(step: StepOf<"copy">): readonly LoadPiece[] {
  const { x } = step.operands;
  const out = onlyView(step.results);
  const shape = x.type.shape.map((size) => constantDim(size)!);
  const strides = x.strides.map((stride) => constantDim(stride)!);
  const axis = outermost(shape, strides);
  const [size, stride] = [shape[axis]!, strides[axis]!];
  const offset = constantDim(x.offset)!;
  const count = Math.min(size, Math.max(1, Math.floor(PART / stride)));
  const piece = (start: number, length: number, turns: number): LoadPiece => {
    const lengths = shape.with(axis, length);
    const type = tensorType(x.type.dtype, ...lengths);
    const from: View = { ...x, type, offset: dim(0) };
    const first = offset + start * stride;
    const reach = lengths.reduce((sum, each, at) => sum + (each - 1) * strides[at]!, 1);
    return {
      step: {
        ...step,
        operands: { x: from },
        results: [sliceView(out, axis, dim(start), { ...type, dtype: out.type.dtype })],
      },
      first,
      end: first + reach,
      turns,
      further: { from: length * stride, to: length * constantDim(out.strides[axis]!)! },
    };
  };
  if (sizeOf(shape) === 0) return [];
  const whole = Math.floor(size / count);
  const rest = size % count;
  return [piece(0, count, whole), ...(rest === 0 ? [] : [piece(whole * count, rest, 1)])];
}

/** The axis of the largest steps. */
const outermost = (shape: readonly number[], strides: readonly number[]): number =>
  strides.reduce(
    (best, stride, axis) =>
      shape[axis]! > 1 && (shape[best]! <= 1 || stride > strides[best]!) ? axis : best,
    0,
  );
