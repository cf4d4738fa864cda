import type { V128 } from "../assembler/code.ts";
import { bytesOfFloat } from "../assembler/numbers.ts";
import { f32x4, i32x4, v128 } from "../assembler/simd.ts";
import { inStep, kept, keptInStep, type Body, type Wide } from "./wide.ts";

/**
 * What lanes hold: float32; whole numbers of 32 bits, with a sign or without; or truth, all bits of a lane set or none, as
 * comparisons give it and `bitselect` takes it.
 */
export type LaneKind = "float" | "whole" | "unsigned" | "truth";

/** Vectors of lanes. */
export interface Lanes {
  readonly kind: LaneKind;
  readonly vectors: Wide;
  /** The number that all lanes are, where it is known: it becomes what its neighbours are. */
  readonly known?: number;
  /** The factors of floats that are a product not computed yet: a sum takes them in. */
  readonly factors?: readonly [Wide, Wide];
}

export const floats = (vectors: Wide): Lanes => ({ kind: "float", vectors });
export const wholes = (vectors: Wide): Lanes => ({ kind: "whole", vectors });
export const truths = (vectors: Wide): Lanes => ({ kind: "truth", vectors });

const isWord = (value: number): boolean =>
  Number.isInteger(value) && !Object.is(value, -0) && value >= -(2 ** 31) && value < 2 ** 32;

/** A number that is known, as so many vectors: whole if it is. */
export const literal = (value: number, { constants }: Pick<Body, "constants">, width: number): Lanes => ({
  kind: isWord(value) ? "whole" : "float",
  vectors: new Array<V128>(width).fill(isWord(value) ? constants.splatWord(value) : constants.splat(value)),
  known: value,
});

/** In variables, so that they may be read more than once. */
export const keptLanes = (lanes: Lanes, body: Body): Lanes => ({
  kind: lanes.kind,
  vectors: kept(lanes.vectors, body),
  ...(lanes.known !== undefined && { known: lanes.known }),
});

/** Truth as 1 and 0. */
export function asFloats({ kind, vectors, known }: Lanes, { constants }: Body): Wide {
  if (known !== undefined) return vectors.map(() => constants.splat(known));
  switch (kind) {
    case "float":
      return vectors;
    case "whole":
      return vectors.map(f32x4.convert_i32x4_s);
    case "unsigned":
      return vectors.map(f32x4.convert_i32x4_u);
    case "truth":
      return vectors.map((mask) => v128.and(mask, constants.splat(1)));
  }
}

/** Numbers that 32 bits hold. */
const TURN = 2 ** 32;

/**
 * Floats without what follows their point, by the remainder of 2^32 that 32 bits hold, as JavaScript has it: NaN and infinities
 * are 0. What is off from the nearest multiple of 2^32 is exact; 2^31 alone, half of one, is off by more than 32 bits hold.
 */
function wrapped(vectors: Wide, body: Body): Wide {
  const splat = (value: number): V128 => body.constants.splat(value);
  const x = kept(vectors, body);
  const turns = inStep(body, (v) => f32x4.nearest(f32x4.mul(v, splat(1 / TURN))), x);
  const rest = keptInStep(body, (v, n) => f32x4.sub(v, f32x4.mul(n, splat(TURN))), x, turns);
  return inStep(body, (v) => i32x4.sub(i32x4.trunc_sat_f32x4_s(v), f32x4.eq(v, splat(TURN / 2))), rest);
}

/** Floats as 32 bits hold them; truth as 1 and 0. */
export function asWholes({ kind, vectors, known }: Lanes, body: Body): Wide {
  if (known !== undefined) return vectors.map(() => body.constants.splatWord(Math.trunc(known)));
  switch (kind) {
    case "float":
      return wrapped(vectors, body);
    case "whole":
    case "unsigned":
      return vectors;
    case "truth":
      return vectors.map(i32x4.neg);
  }
}

/** True where a number is not 0, as NaN is not. */
export function asMasks({ kind, vectors, known }: Lanes, { constants }: Body): Wide {
  if (known !== undefined) return vectors.map(() => constants.splatWord(known === 0 ? 0 : -1));
  switch (kind) {
    case "float":
      return vectors.map((vector) => f32x4.ne(vector, constants.splat(0)));
    case "whole":
    case "unsigned":
      return vectors.map((vector) => i32x4.ne(vector, constants.splatWord(0)));
    case "truth":
      return vectors;
  }
}

/** Truth counts as 1 and 0 where numbers are asked for. */
export const asNumber = (lanes: Lanes): Lanes =>
  lanes.kind === "truth" ? { kind: "whole", vectors: lanes.vectors.map(i32x4.neg) } : lanes;

/** The bits of a float, as a whole number. */
export const wordOf = (value: number): number => new DataView(bytesOfFloat(value).buffer).getInt32(0, true);

/** Lanes of one kind: floats if one of them is, truth if all are, else whole numbers. */
export function joined(
  args: readonly Lanes[],
  body: Body,
): { readonly kind: LaneKind; readonly values: readonly Wide[] } {
  const unknown = args.filter(({ known }) => known === undefined);
  const isFloat = ({ kind, known }: Lanes): boolean =>
    known === undefined ? kind === "float" : !isWord(known);
  if (args.some(isFloat) || unknown.length === 0)
    return { kind: "float", values: args.map((each) => asFloats(each, body)) };
  if (args.every(({ kind, known }) => kind === "truth" && known === undefined))
    return { kind: "truth", values: args.map(({ vectors }) => vectors) };
  const kind = args.some((each) => each.kind === "unsigned") ? "unsigned" : "whole";
  return { kind, values: args.map((each) => asWholes(each, body)) };
}
