import type { View } from "../../kernels/view.ts";
import type { Plan } from "../../plan/plan.ts";
import { constantDim } from "../../tensor/dim.ts";
import { isFloat } from "../../tensor/dtype.ts";
import type { FloatFormat } from "./storage.ts";

/** Where a module has its tensors, whatever it calls them: all of it that the text of a kernel depends on. */
export interface Placing {
  readonly floats: FloatFormat;
  /** Which typed array holds a view's buffer: one key, one array. */
  readonly array: (view: View) => string;
  /** Which of its elements is the view's first: one key, one index. Undefined where that is 0 whenever the kernel is called. */
  readonly start: (view: View) => string | undefined;
}

const atFirst = ({ offset }: View): boolean => constantDim(offset) === 0;

/** In a run: slots of the arena lie in one array for all floats, all else in arrays of its own. */
export function runPlacing({ buffers }: Pick<Plan, "buffers">, floats: FloatFormat): Placing {
  return {
    floats,
    array: ({ buffer }) => {
      const { home, dtype } = buffers[buffer]!;
      if (home.kind === "slot") return isFloat(dtype) ? floats : "i32";
      return home.kind === "state" ? `state ${home.state}` : `buffer ${buffer}`;
    },
    start: (view) => {
      const { kind } = buffers[view.buffer]!.home;
      if (kind === "slot") return `buffer ${view.buffer} + ${view.offset.key}`;
      return atFirst(view) && kind !== "output" ? undefined : view.offset.key;
    },
  };
}

/** While weights are prepared: each tensor is an array of its own. */
export const preparePlacing = (floats: FloatFormat): Placing => ({
  floats,
  array: ({ buffer }) => `buffer ${buffer}`,
  start: (view) => (atFirst(view) ? undefined : view.offset.key),
});
