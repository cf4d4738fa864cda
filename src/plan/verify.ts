import { isFloat } from "../tensor/dtype.ts";
import { contracts } from "./kernel-ops.ts";
import { isOverwritable } from "./overwrite.ts";
import { operandEntries, operandViews, type Plan, type Step } from "./plan.ts";
import type { Sizes } from "./stats.ts";
import { denseView, hasForm, isDense, type Form, type View } from "./view.ts";
import { Words } from "./words.ts";

/**
 * Every problem of a plan for given run-time dims, as text; none for a right plan. Walks the steps over a model of the
 * memory in which each word knows the buffer that was last written to it: a step may read a word only if it still holds
 * the buffer that the step means, and may write a word that it reads only where the contract of its kernel says that it
 * has read it by then. Takes time and memory of the plan's size, so it is for small dims.
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

/** No word yet holds a buffer. */
const NOTHING = -1;

/** What each word of the memory holds. */
class Memory {
  readonly #plan: Plan;
  readonly #words: Words;
  /** The buffer that was last written to each word. */
  readonly #holds: Int32Array;

  constructor(plan: Plan, sizes: Sizes) {
    this.#plan = plan;
    this.#words = new Words(plan, sizes);
    this.#holds = new Int32Array(this.#words.count).fill(NOTHING);
    const given = new Set(plan.parameters.map(({ buffer }) => buffer));
    plan.buffers.forEach(({ home, dtype, elements }, index) => {
      if (home.kind === "constant" || given.has(index))
        this.write(denseView(index, { dtype, shape: [elements] }));
    });
  }

  /** Reads all operands, then writes all results; and what may not overlap while the kernel runs. */
  run(step: Step): string[] {
    const read = operandViews(step).flatMap((view) => this.read(view));
    const clashes = this.#clashes(step);
    for (const view of step.results) this.write(view);
    return [...read, ...clashes];
  }

  read(view: View): string[] {
    const { name } = this.#plan.buffers[view.buffer]!;
    const { start, end } = this.#words.room(view.buffer);
    for (const word of this.#words.of(view)) {
      if (word < start || word >= end) return [`${name} is read at ${word - start}, past its end`];
      if (this.#holds[word] !== view.buffer)
        return [`${name} is read at ${word - start}, which does not hold it`];
    }
    return [];
  }

  write(view: View): void {
    for (const word of this.#words.of(view)) this.#holds[word] = view.buffer;
  }

  /** Results that overlap, and operands of which the kernel may read a word after it was written. */
  #clashes(step: Step): string[] {
    const problems = new Set<string>();
    const written = new Map<number, { readonly result: View; readonly element: number }>();
    const nameOf = ({ buffer }: View): string => this.#plan.buffers[buffer]!.name;
    for (const result of step.results)
      this.#words.of(result).forEach((word, element) => {
        const other = written.get(word);
        if (other !== undefined)
          problems.add(`the result ${nameOf(result)} lies over the result ${nameOf(other.result)}`);
        written.set(word, { result, element });
      });
    for (const { name, view } of operandEntries(step)) {
      const words = this.#words.of(view);
      words.forEach((word, element) => {
        const over = written.get(word);
        if (over === undefined) return;
        const isReadBefore =
          isOverwritable(step, name) &&
          over.element === element &&
          this.#words.of(over.result).length === words.length &&
          isFloat(view.type.dtype) === isFloat(over.result.type.dtype);
        if (!isReadBefore)
          problems.add(`the result ${nameOf(over.result)} lies over the operand ${name}, ${nameOf(view)}`);
      });
    }
    return [...problems];
  }
}
