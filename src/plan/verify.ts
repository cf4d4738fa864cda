import { evaluateDim } from "../tensor/dim.ts";
import { isFloat } from "../tensor/dtype.ts";
import { sizeOf } from "../tensor/host.ts";
import { elementsOf } from "../tensor/type.ts";
import { contracts } from "./kernel-ops.ts";
import { operandViews, type Plan, type Step } from "./plan.ts";
import { slotWords, type Sizes } from "./stats.ts";
import { denseView, hasForm, isDense, type Form, type View } from "./view.ts";

/**
 * Every problem of a plan for given run-time dims, as text; none for a right plan. Walks the steps over a model of the
 * memory in which each word knows the buffer that was last written to it: a step may read a word only if it still holds
 * the buffer that the step means. Takes time and memory of the arena's size, so it is for small dims.
 */
export function verifyPlan(plan: Plan, sizes: Sizes): string[] {
  const memory = new Memory(plan, sizes);
  const problems: string[] = [];
  for (const { buffer, type } of plan.inputs) memory.write(denseView(buffer, type));
  for (const step of [...plan.prepare, ...plan.steps]) {
    const where = `${step.op} ${step.origin.label}`.trimEnd();
    for (const problem of [...formProblems(step), ...memory.run(step)]) problems.push(`${where}: ${problem}`);
  }
  for (const { name, buffer, type } of plan.outputs)
    problems.push(...memory.read(denseView(buffer, type)).map((problem) => `output ${name}: ${problem}`));
  return problems;
}

/** Operands lie as the kernels' contract says, results are dense. */
function formProblems(step: Step): string[] {
  const forms: Readonly<Record<string, Form>> = contracts[step.op].forms;
  const operands = step.operands as Readonly<Record<string, View | readonly View[] | undefined>>;
  const odd = Object.entries(operands).flatMap(([name, operand]) =>
    [operand ?? []].flat().some((view) => !hasForm(view, forms[name]!))
      ? [`the operand ${name} is not ${forms[name]!}`]
      : [],
  );
  const gaps = step.op === "copy" || step.results.every(isDense) ? [] : ["a result is not dense"];
  return [...odd, ...gaps];
}

/** Words of the arena and of every other buffer, each with the buffer that it holds. */
class Memory {
  readonly #plan: Plan;
  readonly #sizes: Sizes;
  readonly #arena: Int32Array;
  readonly #starts: readonly number[];
  readonly #others = new Map<number, Uint8Array>();

  constructor(plan: Plan, sizes: Sizes) {
    this.#plan = plan;
    this.#sizes = sizes;
    let end = 0;
    this.#starts = plan.slots.map((slot) => {
      const start = end;
      end += slotWords(slot, sizes);
      return start;
    });
    this.#arena = new Int32Array(end).fill(-1);
    plan.buffers.forEach(({ home, elements }, index) => {
      const isGiven = home.kind === "parameter" || home.kind === "constant" || home.kind === "state";
      if (home.kind !== "slot")
        this.#others.set(index, new Uint8Array(evaluateDim(elements, sizes)).fill(isGiven ? 1 : 0));
    });
  }

  /** Reads all operands, then writes all results; and what may not overlap while the kernel runs. */
  run(step: Step): string[] {
    const read = operandViews(step).flatMap((view) => this.read(view));
    const clashes = step.results.flatMap((result, index) => [
      ...this.#clashes(result, step.results.slice(0, index), "result"),
      ...this.#clashes(
        result,
        operandViews(step).filter((view) => !mayOverwrite(step, view, result)),
        "operand",
      ),
    ]);
    for (const view of step.results) this.write(view);
    return [...read, ...clashes];
  }

  read(view: View): string[] {
    const { name, home } = this.#plan.buffers[view.buffer]!;
    const own = this.#others.get(view.buffer);
    for (const at of this.#offsets(view)) {
      if (own !== undefined ? own[at] === undefined : at < 0 || at >= this.#room(view.buffer))
        return [`${name} is read at ${at}, past its end`];
      if (own !== undefined ? own[at] === 0 : this.#arena[this.#start(home) + at] !== view.buffer)
        return [`${name} is read at ${at}, which does not hold it`];
    }
    return [];
  }

  write(view: View): void {
    const { home } = this.#plan.buffers[view.buffer]!;
    const own = this.#others.get(view.buffer);
    for (const at of this.#offsets(view))
      if (own !== undefined) own[at] = 1;
      else this.#arena[this.#start(home) + at] = view.buffer;
  }

  #clashes(result: View, others: readonly View[], what: string): string[] {
    const slot = this.#slotOf(result);
    const clash = others.find((view) => slot !== undefined && this.#slotOf(view) === slot);
    if (clash === undefined) return [];
    const [a, b] = [result, clash].map((view) => this.#plan.buffers[view.buffer]!.name);
    return [`the result ${a!} lies over the ${what} ${b!}`];
  }

  #slotOf(view: View): number | undefined {
    const { home } = this.#plan.buffers[view.buffer]!;
    return home.kind === "slot" ? home.slot : undefined;
  }

  #start(home: Plan["buffers"][number]["home"]): number {
    return home.kind === "slot" ? this.#starts[home.slot]! : 0;
  }

  #room(buffer: number): number {
    return evaluateDim(this.#plan.buffers[buffer]!.elements, this.#sizes);
  }

  /** Every offset that a view reaches, from the start of its buffer. */
  #offsets({ type, offset, strides }: View): Int32Array {
    const shape = type.shape.map((size) => evaluateDim(size, this.#sizes));
    const steps = strides.map((stride) => evaluateDim(stride, this.#sizes));
    const offsets = new Int32Array(sizeOf(shape)).fill(evaluateDim(offset, this.#sizes));
    let run = 1;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      for (let i = 0; i < offsets.length; i++)
        offsets[i] = offsets[i]! + (Math.floor(i / run) % shape[axis]!) * steps[axis]!;
      run *= shape[axis]!;
    }
    return offsets;
  }
}

/** Whether the contract lets a result of the step lie over an operand: both whole, dense and of one kind of word. */
function mayOverwrite(step: Step, operand: View, result: View): boolean {
  const names: readonly string[] = contracts[step.op].overwrites;
  const operands = step.operands as Readonly<Record<string, View | readonly View[] | undefined>>;
  const allowed = names.some((name) => [operands[name] ?? []].flat().includes(operand));
  return (
    allowed &&
    isDense(operand) &&
    isDense(result) &&
    elementsOf(operand.type).key === elementsOf(result.type).key &&
    isFloat(operand.type.dtype) === isFloat(result.type.dtype)
  );
}
