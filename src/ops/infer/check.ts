import { constantDim, sameDim, showDim, type Dim } from "../../tensor/dim.ts";
import { isFloat, isInteger } from "../../tensor/dtype.ts";
import { showType, type TensorType } from "../../tensor/type.ts";
import { Mismatch } from "../define.ts";

/** The first thing that is wrong, if anything: shape rules are lists of checks. */
export const firstOf = (...checks: readonly (Mismatch | undefined)[]): Mismatch | undefined =>
  checks.find((check) => check !== undefined);

export const rankIs = (name: string, type: TensorType, rank: number, form: string): Mismatch | undefined =>
  type.shape.length === rank
    ? undefined
    : new Mismatch(name, `expected ${form}, with ${rank} axes, got ${showType(type)}`);

export const rankAtLeast = (name: string, type: TensorType, rank: number): Mismatch | undefined =>
  type.shape.length >= rank
    ? undefined
    : new Mismatch(name, `expected at least ${rank} ${rank === 1 ? "axis" : "axes"}, got ${showType(type)}`);

export const floatElements = (name: string, type: TensorType): Mismatch | undefined =>
  isFloat(type.dtype) ? undefined : new Mismatch(name, `expected float elements, got ${showType(type)}`);

export const integerElements = (name: string, type: TensorType): Mismatch | undefined =>
  isInteger(type.dtype)
    ? undefined
    : new Mismatch(name, `expected whole-number elements, got ${showType(type)}`);

export const boolElements = (name: string, type: TensorType): Mismatch | undefined =>
  type.dtype === "bool" ? undefined : new Mismatch(name, `expected bool elements, got ${showType(type)}`);

export const numberElements = (name: string, type: TensorType): Mismatch | undefined =>
  type.dtype === "bool"
    ? new Mismatch(name, `expected numbers, got ${showType(type)}; cast them first`)
    : undefined;

/** Two operands whose elements must have one dtype. */
export const sameDtype = (
  name: string,
  type: TensorType,
  otherName: string,
  other: TensorType,
): Mismatch | undefined =>
  type.dtype === other.dtype
    ? undefined
    : new Mismatch(
        name,
        `expected ${other.dtype} as ${otherName} has, got ${showType(type)}; cast one of them`,
      );

/** An axis counted from 0. */
export const axisWithin = (name: string, axis: number, type: TensorType): Mismatch | undefined =>
  Number.isInteger(axis) && axis >= 0 && axis < type.shape.length
    ? undefined
    : new Mismatch(name, `there is no axis ${axis} in ${showType(type)}`);

/** The axis counted from 0, of one that may count from the end; undefined if there is none. */
export function axisFromStart(axis: number, rank: number): number | undefined {
  const fromStart = axis < 0 ? axis + rank : axis;
  return Number.isInteger(axis) && fromStart >= 0 && fromStart < rank ? fromStart : undefined;
}

/** A vector `[width]` of floats that belongs to the last axis of `of`; fine if absent. */
export function rowVector(
  name: string,
  type: TensorType | undefined,
  width: Dim | undefined,
  of: string,
): Mismatch | undefined {
  if (type === undefined || width === undefined) return undefined;
  return (
    floatElements(name, type) ??
    (type.shape.length === 1 && sameDim(type.shape[0], width)
      ? undefined
      : new Mismatch(name, `expected [${showDim(width)}], the width of ${of}, got ${showType(type)}`))
  );
}

/** A number that must be whole and not below `least`. */
export const wholeAtLeast = (name: string, value: number, least: number): Mismatch | undefined =>
  Number.isSafeInteger(value) && value >= least
    ? undefined
    : new Mismatch(name, `expected a whole number of at least ${least}, got ${value}`);

export const finiteAtLeast = (name: string, value: number, least: number): Mismatch | undefined =>
  Number.isFinite(value) && value >= least
    ? undefined
    : new Mismatch(name, `expected a number of at least ${least}, got ${value}`);

export const positive = (name: string, value: number): Mismatch | undefined =>
  Number.isFinite(value) && value > 0
    ? undefined
    : new Mismatch(name, `expected a number above 0, got ${value}`);

/** A size attribute: not negative where it is known. */
export const sizeIsNotNegative = (name: string, size: Dim): Mismatch | undefined =>
  (constantDim(size) ?? 0) >= 0 ? undefined : new Mismatch(name, `a size cannot be ${showDim(size)}`);

export const shapeIsNotNegative = (name: string, shape: readonly Dim[]): Mismatch | undefined =>
  firstOf(...shape.map((size) => sizeIsNotNegative(name, size)));
