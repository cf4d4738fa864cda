import { invariant } from "../support/invariant.ts";
import { constantDim, dim, type Dim } from "../tensor/dim.ts";
import { tensorType, type TensorType } from "../tensor/type.ts";
import { broadcastView, permuteView, reshapeView, sliceView, type Form, type View } from "./view.ts";

/**
 * A matrix with the N elements of one axis taken `width` at a time, [⌈N / width⌉, K, width], dense, zeros beyond N: a
 * product reads one place of `width` rows after the other. With a `piece`, so many neighbours along the other axis stay
 * together: [⌈N / width⌉, K / piece, width, piece].
 */
export interface Panels {
  readonly kind: "panels";
  readonly axis: 0 | 1;
  readonly width: number;
  /** Divides the other axis; 1 if left off. */
  readonly piece?: number;
  /** Only a matrix that is known at load is put into panels; one that runs change lies as the contract says. */
  readonly atLoadOnly: boolean;
}

/** How an operand is to lie: as one of the forms, or in panels, which a step makes. */
export type OperandForm = Form | Panels;

/** The sizes of the axis and of the other one, which no run may bring. */
function sizesOf({ shape }: TensorType, axis: 0 | 1): readonly [number, number] {
  const [rows, depth] = [constantDim(shape[axis]!), constantDim(shape[1 - axis]!)];
  invariant(shape.length === 2 && rows !== undefined && depth !== undefined, "panels are of a known matrix");
  return [rows, depth];
}

export function panelType(type: TensorType, { axis, width, piece }: Panels): TensorType {
  const [rows, depth] = sizesOf(type, axis);
  const panels = Math.ceil(rows / width);
  return piece === undefined
    ? tensorType(type.dtype, panels, depth, width)
    : tensorType(type.dtype, panels, depth / piece, width, piece);
}

/**
 * The copies, each from one view to another, that put a matrix into panels; `zero` is a tensor of one 0. The panels may be of
 * another type.
 */
export function panelCopies(
  matrix: View,
  panels: View,
  zero: View,
  { axis, width, piece = 1 }: Panels,
): readonly (readonly [from: View, to: View])[] {
  const [rows, depth] = sizesOf(matrix.type, axis);
  const [full, rest, pieces] = [Math.floor(rows / width), rows % width, depth / piece];
  const typed = (...shape: readonly number[]): TensorType => tensorType(matrix.type.dtype, ...shape);
  const made = (type: TensorType): TensorType => ({ ...type, dtype: panels.type.dtype });
  const upright = axis === 0 ? matrix : permuteView(matrix, [1, 0], typed(rows, depth));
  const to = reshapeView(panels, made(typed(Math.ceil(rows / width), pieces, width, piece)))!;
  const part = (view: View, along: number, start: number, type: TensorType): View =>
    sliceView(view, along, dim(start), type);
  const copies: [View, View][] = [];
  if (full > 0) {
    const whole = part(upright, 0, 0, typed(full * width, depth));
    const apart = reshapeView(whole, typed(full, width, pieces, piece))!;
    const type = typed(full, pieces, width, piece);
    copies.push([permuteView(apart, [0, 2, 1, 3], type), part(to, 0, 0, made(type))]);
  }
  if (rest > 0) {
    const last = part(to, 0, full, made(typed(1, pieces, width, piece)));
    const apart = reshapeView(
      part(upright, 0, full * width, typed(rest, depth)),
      typed(1, rest, pieces, piece),
    )!;
    const [there, beyond] = [typed(1, pieces, rest, piece), typed(1, pieces, width - rest, piece)];
    copies.push(
      [permuteView(apart, [0, 2, 1, 3], there), part(last, 2, 0, made(there))],
      [broadcastView(zero, beyond), part(last, 2, rest, made(beyond))],
    );
  }
  return copies;
}

/** Whether a view of such a type is made of panels of this width. */
export const isInPanels = ({ type: { shape } }: View, { width }: Panels): boolean =>
  shape.length === 3 && constantDim(shape[2] as Dim) === width;
