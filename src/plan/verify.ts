import { append } from "../support/lists.ts";
import { isFloat } from "../tensor/dtype.ts";
import { isInPanels } from "../kernels/panels.ts";
import { formFor, portableTarget, type Target } from "../kernels/target.ts";
import { isOverwritable } from "./overwrite.ts";
import { isAtLoad, operandEntries, operandViews, type Plan, type Step } from "./plan.ts";
import type { Sizes } from "./stats.ts";
import { denseView, hasForm, isDense, type View } from "../kernels/view.ts";
import { isGiven, Words } from "./words.ts";

/**
 * Every problem of a plan for given run-time dims, as text; none for a right plan. Walks the steps over a model of the
 * memory in which each word knows the buffer that was last written to it: a step may read a word only if it still holds
 * the buffer that the step means, and may write a word that it reads only where the contract of its kernel says that it
 * has read it by then. Takes time and memory of the plan's size, so it is for small dims.
 */
export function verifyPlan(plan: Plan, sizes: Sizes, target: Target = portableTarget): string[] {
  const memory = new Memory(plan, sizes);
  const problems: string[] = [];
  for (const { buffer, type } of plan.inputs) memory.write(denseView(buffer, type));
  for (const step of [...plan.prepare, ...plan.steps]) {
    const where = `${step.op} ${step.origin.label}`.trimEnd();
    for (const problem of [...formProblems(plan, step, target), ...memory.run(step)])
      problems.push(`${where}: ${problem}`);
  }
  for (const { name, buffer, type } of plan.outputs)
    append(
      problems,
      memory.read(denseView(buffer, type)).map((problem) => `output ${name}: ${problem}`),
    );
  return problems;
}

/** Operands lie as the target's kernels ask, results are dense. */
function formProblems({ buffers }: Plan, step: Step, target: Target): string[] {
  const operands = step.operands as Readonly<Record<string, View | readonly View[] | undefined>>;
  const odd = Object.entries(operands).flatMap(([name, operand]) => {
    const wrong = [operand ?? []].flat().flatMap((view) => {
      const form = formFor(target, step, name, isAtLoad(buffers[view.buffer]!.home));
      if (typeof form === "string") return hasForm(view, form) ? [] : [form];
      return isInPanels(view, form) && isDense(view) ? [] : [`in panels of ${form.width}`];
    });
    return wrong.slice(0, 1).map((wish) => `the operand ${name} is not ${wish}`);
  });
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
    for (const { buffer } of [...plan.parameters, ...plan.state])
      if (buffer !== undefined) this.#give(buffer);
  }

  /** A state is there when the run begins. */
  #give(buffer: number): void {
    const { home, dtype, elements } = this.#plan.buffers[buffer]!;
    if (!isGiven(home)) this.write(denseView(buffer, { dtype, shape: [elements] }));
  }

  /** Reads all operands, then writes all results; and what may not overlap while the kernel runs. */
  run(step: Step): string[] {
    const read = operandViews(step).flatMap((view) => this.read(view));
    const clashes = this.#clashes(step);
    for (const view of step.results) this.write(view);
    return [...read, ...clashes];
  }

  read(view: View): string[] {
    const { name, home } = this.#plan.buffers[view.buffer]!;
    const { start, end } = this.#words.room(view.buffer);
    const at = (word: number, why: string): string[] => [`${name} is read at ${word - start}, ${why}`];
    if (this.#words.last(view) >= end)
      return at(
        this.#words.of(view).find((word) => word >= end)!,
        "past its end",
      );
    if (isGiven(home)) return [];
    const wrong = this.#words.of(view).find((word) => this.#holds[word] !== view.buffer);
    return wrong === undefined ? [] : at(wrong, "which does not hold it");
  }

  write(view: View): void {
    for (const word of this.#words.of(view)) this.#holds[word] = view.buffer;
  }

  /** Results that overlap, and operands of which the kernel may read a word after it was written. */
  #clashes(step: Step): string[] {
    const nameOf = ({ buffer }: View): string => this.#plan.buffers[buffer]!.name;
    return step.results.flatMap((result, index) => {
      const others = step.results.slice(0, index).filter((other) => this.#haveCommonWord(result, other));
      const late = operandEntries(step).filter(({ name, view }) =>
        isOverwritable(step, name) && isFloat(view.type.dtype) === isFloat(result.type.dtype)
          ? !this.#standsAlike(view, result)
          : this.#haveCommonWord(view, result),
      );
      return [
        ...others.map((other) => `the result ${nameOf(result)} lies over the result ${nameOf(other)}`),
        ...late.map(
          ({ name, view }) => `the result ${nameOf(result)} lies over the operand ${name}, ${nameOf(view)}`,
        ),
      ];
    });
  }

  #haveCommonWord(a: View, b: View): boolean {
    if (!this.#words.mayOverlap(a, b)) return false;
    const words = new Set(this.#words.of(a));
    return this.#words.of(b).some((word) => words.has(word));
  }

  /** Whether each word that both have is the same element of both, read once. */
  #standsAlike(operand: View, result: View): boolean {
    if (!this.#words.mayOverlap(operand, result)) return true;
    const [read, written] = [this.#words.of(operand), this.#words.of(result)];
    if (read.length === written.length && read.every((word, element) => word === written[element]))
      return true;
    return !this.#haveCommonWord(operand, result);
  }
}
