import { constantDim, sameDim, dim, type Dim } from "../../tensor/dim.ts";
import type { Code } from "../../support/text.ts";
import type { Shape } from "../../tensor/type.ts";
import { mergeAxes, type View } from "../../kernels/view.ts";
import type { CallBuilder } from "./call.ts";
import { forLoop, sumText } from "../module/text.ts";

const one = dim(1);

/** A tensor that a loop walks: its name in the kernel, the index where it begins, a stride for each axis of the walk. */
export interface Walked {
  readonly name: string;
  readonly start: string;
  readonly strides: readonly Dim[];
}

/** A view as a parameter of a kernel that is written by hand and walks its leading axes. */
export const walkedTensor = (call: CallBuilder, name: string, view: View, axes: number): Walked => ({
  name,
  start: call.tensor(name, view),
  strides: view.strides.slice(0, axes),
});

const capital = (word: string): string => word[0]!.toUpperCase() + word.slice(1);

/**
 * Loops over `shape` that walk tensors at their strides, neighbouring axes merged where all strides allow. Sizes and
 * strides become parameters of the kernel, named after `prefix`; a stride of 0 or an innermost 1 is known to the kernel.
 * `body` is given the index expression of each walked tensor, in their order.
 */
export function walk(
  call: CallBuilder,
  shape: Shape,
  tensors: readonly Walked[],
  prefix: string,
  body: (at: readonly string[]) => readonly Code[],
): Code[] {
  const axes = mergeAxes(
    shape,
    tensors.map(({ strides }) => strides),
  );
  const isLone = axes.length === 1;
  const named = axes.map((axis, depth) => ({
    index: depth === 0 ? prefix : `${prefix}${depth}`,
    end: call.size(isLone ? `${prefix}Count` : `${prefix}Size${depth}`, axis.size),
    steps: axis.strides.map((stride, at) => {
      const name = `${tensors[at]!.name}${capital(prefix)}Step`;
      return step(call, isLone ? name : `${name}${depth}`, stride);
    }),
  }));
  const loopsFrom = (depth: number, at: readonly string[]): Code[] => {
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
    );
    return forLoop(axis.index, axis.end, [...hoisted.flatMap(({ line }) => line), ...inner]);
  };
  return loopsFrom(
    0,
    tensors.map(({ start }) => start),
  );
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
