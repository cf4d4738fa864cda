import { mergeAxes } from "../../kernels/view.ts";
import type { Shape } from "../../tensor/type.ts";
import type { KernelBuilder } from "./builder.ts";
import type { Place } from "./place.ts";
import type { Order } from "./tree.ts";

type Places = Readonly<Record<string, Place>>;

/** Every row of a shape, whose last axes the body walks. */
export const eachRow = <T extends Places>(
  k: KernelBuilder,
  shape: Shape,
  places: T,
  body: (places: T) => void,
  order: Order = "rows",
): void => walk(k, shape, places, { prefix: "row", outer: order, inner: order }, body);

/** Every element of a shape, those of the innermost axis side by side. */
export const eachElement = <T extends Places>(
  k: KernelBuilder,
  shape: Shape,
  places: T,
  body: (places: T) => void,
): void => walk(k, shape, places, { prefix: "", outer: "rows", inner: "lanes" }, body);

/** How the turns of the innermost loop follow each other, and those of the loops around it. */
interface Manner {
  /** What names of loops, sizes and strides begin with, so that those of several walks differ. */
  readonly prefix: string;
  readonly outer: Order;
  readonly inner: Order;
}

/**
 * Loops over a shape that walk places at their strides, neighbouring axes merged where all strides allow. Sizes and strides
 * become parameters of the kernel; a stride of 0 or 1 is known to it. The body is given the places of a turn.
 */
export function walk<T extends Places>(
  k: KernelBuilder,
  shape: Shape,
  places: T,
  { prefix, outer, inner }: Manner,
  body: (places: T) => void,
): void {
  const entries = Object.entries(places);
  const axes = mergeAxes(
    shape,
    entries.map(([, { strides }]) => strides),
  );
  const isLone = axes.length === 1;
  const named = (what: string, depth: number): string => {
    const word = prefix === "" ? what : `${prefix}${capital(what)}`;
    return isLone ? word : `${word}${depth}`;
  };
  const loops = axes.map(({ size, strides }, depth) => ({
    end: k.size(named(isLone ? "count" : "size", depth), size),
    steps: strides.map((stride, at) =>
      k.stride(`${entries[at]![1].tensor.name}${capital(named("step", depth))}`, stride),
    ),
  }));
  const from = (depth: number, at: readonly Place[]): void => {
    const loop = loops[depth];
    if (loop === undefined) {
      const walked = at.map((place) => place.along(place.strides.slice(shape.length)));
      body(Object.fromEntries(entries.map(([name], index) => [name, walked[index]])) as T);
      return;
    }
    const isInner = depth === axes.length - 1;
    const word = prefix === "" ? "row" : prefix;
    const name = isInner && prefix === "" ? "i" : depth === 0 ? word : `${word}${depth}`;
    k.loop(isInner ? inner : outer, name, loop.end, (index) => {
      from(
        depth + 1,
        at.map((place, tensor) => place.at(index, loop.steps[tensor])),
      );
    });
  };
  from(
    0,
    entries.map(([, place]) => place),
  );
}

const capital = (word: string): string => word[0]!.toUpperCase() + word.slice(1);
