import { loopsOf } from "../../../src/emit/loops/kernels/table.ts";
import { sharedLoop } from "../../../src/emit/loops/kernels/shared-loop.ts";
import type { View } from "../../../src/kernels/view.ts";
import { shareLoops, type Stage } from "../../../src/plan/loops.ts";
import type { Plan } from "../../../src/plan/plan.ts";
import { evaluateDim, type Dim } from "../../../src/tensor/dim.ts";
import { isFloat } from "../../../src/tensor/dtype.ts";
import type { HostTensor } from "../../../src/tensor/host.ts";
import { evaluateKernel, type Elements } from "./evaluate.ts";

/** The memory of a run: a piece for each slot, and for each tensor without one. */
class PlanMemory {
  readonly #plan: Plan;
  readonly #symbols: ReadonlyMap<string, number>;
  readonly #pieces = new Map<string, ArrayBuffer>();

  constructor(plan: Plan, symbols: ReadonlyMap<string, number>) {
    this.#plan = plan;
    this.#symbols = symbols;
  }

  readonly sizeOf = (size: Dim): number => evaluateDim(size, this.#symbols);

  /** All elements of a buffer, from its start. */
  arrayOfBuffer(buffer: number): Elements {
    const { home, dtype } = this.#plan.buffers[buffer]!;
    const key = home.kind === "slot" ? `slot ${home.slot}` : `buffer ${buffer}`;
    const piece = this.#pieces.get(key) ?? new ArrayBuffer(4 * this.#words(buffer));
    this.#pieces.set(key, piece);
    return isFloat(dtype) ? new Float32Array(piece) : new Int32Array(piece);
  }

  readonly arrayOf = (view: View): Elements =>
    this.arrayOfBuffer(view.buffer).subarray(this.sizeOf(view.offset));

  /** Which memory it is, and where in it. */
  readonly placeOf = (view: View): string => {
    const { home } = this.#plan.buffers[view.buffer]!;
    return `${home.kind === "slot" ? `slot ${home.slot}` : view.buffer} ${view.offset.key}`;
  };

  #words(buffer: number): number {
    const { home } = this.#plan.buffers[buffer]!;
    const together = home.kind === "slot" ? this.#plan.slots[home.slot]!.buffers : [buffer];
    return Math.max(...together.map((each) => this.sizeOf(this.#plan.buffers[each]!.elements)));
  }
}

interface Given {
  readonly inputs: Readonly<Record<string, HostTensor>>;
  readonly parameters?: Readonly<Record<string, HostTensor>>;
  readonly symbols?: ReadonlyMap<string, number>;
  /** Steps that walk the same elements are one loop. */
  readonly shares?: boolean;
}

/** The outputs of a plan all of whose steps are loops; undefined if one is written by hand. */
export function evaluatePlan(
  plan: Plan,
  { inputs, parameters = {}, symbols = new Map(), shares = false }: Given,
): Record<string, number[]> | undefined {
  const memory = new PlanMemory(plan, symbols);
  plan.buffers.forEach(({ home }, buffer) => {
    if (home.kind === "constant") memory.arrayOfBuffer(buffer).set(home.values);
  });
  for (const { name, buffer } of plan.parameters)
    if (buffer !== undefined) memory.arrayOfBuffer(buffer).set([...parameters[name]!.data].map(Number));
  for (const { name, buffer } of plan.inputs)
    memory.arrayOfBuffer(buffer).set([...inputs[name]!.data].map(Number));
  const stages: readonly Stage[] = [...plan.prepare, ...(shares ? shareLoops(plan) : plan.steps)];
  for (const stage of stages) {
    const kernel = "steps" in stage ? sharedLoop(stage, memory.placeOf) : loopsOf(stage);
    if (kernel === undefined) return undefined;
    evaluateKernel(kernel, memory);
  }
  return Object.fromEntries(
    plan.outputs.map(({ name, type, buffer }) => {
      const count = type.shape.reduce((product, size) => product * memory.sizeOf(size), 1);
      return [name, [...memory.arrayOfBuffer(buffer).subarray(0, count)]];
    }),
  );
}
