import { evaluateDim } from "../tensor/dim.ts";
import { sizeOf } from "../tensor/host.ts";
import type { Home, Plan } from "./plan.ts";
import { elementBytes } from "../kernels/storage.ts";
import { layoutOf } from "./layout.ts";
import { largestOf, type Sizes } from "./stats.ts";
import type { View } from "../kernels/view.ts";

/**
 * The memory of a plan for given run-time dims as one row of numbered words: slots, states and all other buffers one after
 * the other, those last that no step writes. Views overlap if they have a word in common.
 */
export class Words {
  /** How many there are that steps write. */
  readonly count: number;
  readonly #plan: Plan;
  readonly #sizes: Sizes;
  /** Where the memory of each buffer begins. */
  readonly #starts: readonly number[];
  readonly #known = new Map<View, Int32Array>();

  constructor(plan: Plan, sizes: Sizes) {
    this.#plan = plan;
    this.#sizes = sizes;
    let end = 0;
    const take = (words: number): number => (end += words) - words;
    const slots = layoutOf(plan)
      .slots(plan)
      .map((slot) => take(largestOf(slot, sizes) / elementBytes("f32")));
    const states = new Map<string, number>();
    const own = new Set(plan.runBuffers);
    const isElsewhere = ({ kind }: Home, buffer: number): boolean =>
      (kind === "slot" || kind === "output") && !own.has(buffer);
    const starts = plan.buffers.map(({ home, elements }, buffer): number | undefined => {
      if (isElsewhere(home, buffer)) return 0;
      if (home.kind === "slot") return slots[home.slot]!;
      if (isGiven(home)) return undefined;
      const known = home.kind === "state" ? states.get(home.state) : undefined;
      const start = known ?? take(evaluateDim(elements, sizes));
      if (home.kind === "state") states.set(home.state, start);
      return start;
    });
    this.count = end;
    this.#starts = plan.buffers.map(
      ({ elements }, buffer) => starts[buffer] ?? take(evaluateDim(elements, sizes)),
    );
  }

  /** The first word of a buffer, and the one after its last. */
  room(buffer: number): { readonly start: number; readonly end: number } {
    const start = this.#starts[buffer]!;
    return { start, end: start + evaluateDim(this.#plan.buffers[buffer]!.elements, this.#sizes) };
  }

  /** Whether the buffers of two views have memory in common. */
  mayOverlap(a: View, b: View): boolean {
    const [one, other] = [this.room(a.buffer), this.room(b.buffer)];
    return one.start < other.end && other.start < one.end;
  }

  /** The last word that a view reaches; before its first if it has no elements. */
  last({ buffer, type, offset, strides }: View): number {
    const first = this.room(buffer).start + evaluateDim(offset, this.#sizes);
    const shape = type.shape.map((size) => evaluateDim(size, this.#sizes));
    if (sizeOf(shape) === 0) return first - 1;
    return shape.reduce(
      (word, size, axis) => word + (size - 1) * evaluateDim(strides[axis]!, this.#sizes),
      first,
    );
  }

  /** The word of every element of a view, in row-major order. */
  of(view: View): Int32Array {
    const known = this.#known.get(view);
    if (known !== undefined) return known;
    const { type, offset, strides } = view;
    const shape = type.shape.map((size) => evaluateDim(size, this.#sizes));
    const steps = strides.map((stride) => evaluateDim(stride, this.#sizes));
    const first = this.room(view.buffer).start + evaluateDim(offset, this.#sizes);
    const words = new Int32Array(sizeOf(shape)).fill(first);
    let run = 1;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      for (let i = 0; i < words.length; i++)
        words[i] = words[i]! + (Math.floor(i / run) % shape[axis]!) * steps[axis]!;
      run *= shape[axis]!;
    }
    this.#known.set(view, words);
    return words;
  }
}

/** Whether no step writes it. */
export const isGiven = ({ kind }: Home): boolean => kind === "parameter" || kind === "constant";
