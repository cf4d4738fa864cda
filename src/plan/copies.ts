import type { Origin } from "../ir/graph.ts";
import { panelCopies, panelType, type Panels } from "../kernels/panels.ts";
import type { View } from "../kernels/view.ts";
import { dim } from "../tensor/dim.ts";
import { isHalf } from "../tensor/dtype.ts";
import { outputOrigin } from "./names.ts";
import type { Step } from "./plan.ts";
import { keyOfView, type PlanTables } from "./shared.ts";

/** The copies that a part makes of what lies otherwise than it is read: at load of what is known then, else among its steps. */
export class Copies {
  readonly #tables: PlanTables;
  readonly #steps: Step[];
  /** Dense copies that were made already, by the view that was copied. */
  readonly #dense = new Map<View, View>();
  /** The same of matrices in panels, by how that is. */
  readonly #panels = new Map<string, View>();

  constructor(tables: PlanTables, steps: Step[]) {
    this.#tables = tables;
    this.#steps = steps;
  }

  add(from: View, to: View, origin: Origin): void {
    const isPrepared = this.#tables.buffers[to.buffer]!.home?.kind === "prepared";
    (isPrepared ? this.#tables.prepare : this.#steps).push(copyStep(from, to, origin));
  }

  /** The view's elements in a buffer of their own, copied once however many steps ask. */
  dense(view: View, origin: Origin): View {
    const made = this.#dense.get(view);
    if (made !== undefined) return made;
    const tables = this.#tables;
    const isPrepared = tables.isStatic(view);
    const make = (): View[] => {
      const name = `${tables.buffers[view.buffer]!.name}.copy`;
      const copy = tables.allocate([name], view.type, isPrepared ? { kind: "prepared" } : undefined);
      this.add(view, copy, origin);
      return [copy];
    };
    const [copy] = isPrepared ? tables.prepared.of(`copy ${keyOfView(view)}`, make) : make();
    this.#dense.set(view, copy!);
    return copy!;
  }

  /** The matrix in panels, made once however many steps ask; at load, if it is a weight. */
  inPanels(view: View, form: Panels, origin: Origin): View {
    const tables = this.#tables;
    const key = `panels ${form.axis} ${form.width} ${form.piece ?? 1} ${keyOfView(view)}`;
    const made = this.#panels.get(key);
    if (made !== undefined) return made;
    const isPrepared = tables.isStatic(view);
    const make = (): View[] => {
      const { name } = tables.buffers[view.buffer]!;
      const { dtype } = view.type;
      const half = isPrepared ? tables.halfOf(view) : undefined;
      // Of halves alone the type says it: what lies in words is floats.
      const type = panelType({ ...view.type, dtype: half ?? (isHalf(dtype) ? "f32" : dtype) }, form);
      const home = isPrepared ? ({ kind: "prepared" } as const) : undefined;
      const panels = tables.allocate([`${name}.panels`], type, home, half);
      const zero = tables.allocate(["zero"], { dtype, shape: [] }, { kind: "constant", values: [0] });
      for (const [from, to] of panelCopies(view, panels, zero, form)) this.add(from, to, origin);
      return [panels];
    };
    const [panels] = isPrepared ? tables.prepared.of(key, make) : make();
    this.#panels.set(key, panels!);
    return panels!;
  }

  /** A copy of its own, made where the steps end so far. */
  putAside(view: View, name: string): View {
    const copy = this.#tables.allocate([`${name}.next`], view.type, undefined);
    this.add(view, copy, outputOrigin(name));
    return copy;
  }
}

export const copyStep = (x: View, to: View, origin: Origin): Step => ({
  op: "copy",
  operands: { x },
  attrs: {},
  results: [to],
  origin,
  flops: dim(0),
});
