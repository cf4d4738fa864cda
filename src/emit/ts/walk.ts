import { constantDim, sameDim, dim, type Dim } from "../../tensor/dim.ts";
import type { Code } from "../../support/text.ts";
import type { Shape } from "../../tensor/type.ts";
import { mergeAxes, type Axis, type View } from "../../kernels/view.ts";
import type { CallBuilder } from "./call.ts";
import { forLoop, sumText } from "../module/text.ts";

const one = dim(1);

/** A tensor that a loop walks: its name in the kernel, the index where it begins, a stride for each axis of the walk. */
export interface Walked {
  readonly name: string;
  readonly start: string;
  readonly strides: readonly Dim[];
}

/** A view as a parameter of a kernel that walks all its axes, or the leading ones. */
export const walkedTensor = (
  call: CallBuilder,
  name: string,
  view: View,
  axes = view.strides.length,
): Walked => ({
  name,
  start: call.tensor(name, view),
  strides: view.strides.slice(0, axes),
});

/** The same for a kernel that walks the rows. */
export const walkedRows = (call: CallBuilder, name: string, view: View): Walked =>
  walkedTensor(call, name, view, Math.max(0, view.strides.length - 1));

/** Loops over a shape, written when the body is known. */
export interface Walk {
  /** `body` is given the index expression of each walked tensor, in their order. */
  readonly loops: (body: (at: readonly string[]) => readonly Code[]) => Code[];
  /** The loops there are after merging, outermost first. */
  readonly axes: readonly Axis[];
  /** The parameter that holds each loop's end. */
  readonly ends: readonly string[];
}

const letters = ["i", "j", "k", "l", "m", "n"];

const loopName = (prefix: string, depth: number): string =>
  prefix === "" ? (letters[depth] ?? `i${depth}`) : depth === 0 ? prefix : `${prefix}${depth}`;

const capital = (word: string): string => word[0]!.toUpperCase() + word.slice(1);

/** `count` for a lone loop, `size0`, `size1`, … for nested ones. */
const endName = (prefix: string, depth: number | undefined): string => {
  const name = depth === undefined ? "count" : `size${depth}`;
  return prefix === "" ? name : `${prefix}${capital(name)}`;
};

/**
 * Plans loops over `shape` that walk tensors at their strides, neighbouring axes merged where all strides allow. Sizes
 * and strides become parameters of the kernel, `prefix` keeps those of several walks apart; a stride of 0 or an
 * innermost 1 is known to the kernel.
 */
export function walk(call: CallBuilder, shape: Shape, tensors: readonly Walked[], prefix = ""): Walk {
  const axes = mergeAxes(
    shape,
    tensors.map(({ strides }) => strides),
  );
  const named = axes.map((axis, depth) => ({
    index: loopName(prefix, depth),
    end: call.size(endName(prefix, axes.length === 1 ? undefined : depth), axis.size),
    steps: axis.strides.map((stride, at) => {
      const name = `${tensors[at]!.name}${prefix === "" ? "" : capital(prefix)}Step`;
      return step(call, axes.length === 1 ? name : `${name}${depth}`, stride);
    }),
  }));
  const loopsFrom = (
    depth: number,
    at: readonly string[],
    body: (at: readonly string[]) => readonly Code[],
  ): Code[] => {
    const axis = named[depth];
    if (axis === undefined) return [...body(at)];
    const here = axis.steps.map((size, tensor) => advance(at[tensor]!, axis.index, size));
    if (depth === named.length - 1) return forLoop(axis.index, axis.end, body(here));
    const hoisted = here.map((text, tensor) =>
      hoist(text, at[tensor]!, `${tensors[tensor]!.name}Base${depth}`),
    );
    const inner = loopsFrom(
      depth + 1,
      hoisted.map(({ name }) => name),
      body,
    );
    return forLoop(axis.index, axis.end, [...hoisted.flatMap(({ line }) => line), ...inner]);
  };
  const starts = tensors.map(({ start }) => start);
  return { loops: (body) => loopsFrom(0, starts, body), axes, ends: named.map(({ end }) => end) };
}

/** The stride as text: undefined for 0, the empty text for 1. */
function step(call: CallBuilder, name: string, stride: Dim): string | undefined {
  if (constantDim(stride) === 0) return undefined;
  return sameDim(stride, one) ? "" : call.size(name, stride);
}

const advance = (from: string, index: string, size: string | undefined): string =>
  size === undefined ? from : sumText(from, size === "" ? index : `${index} * ${size}`);

/** An index that does not change in the inner loops, computed once. */
const hoist = (text: string, before: string, name: string): { name: string; line: string[] } =>
  text === before ? { name: before, line: [] } : { name, line: [`const ${name} = ${text};`] };
