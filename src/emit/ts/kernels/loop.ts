import { append } from "../../../support/lists.ts";
import { operandViews } from "../../../plan/plan.ts";
import type { View } from "../../../kernels/view.ts";
import { isFloat } from "../../../tensor/dtype.ts";
import { CallBuilder, type Call, type Naming } from "../call.ts";
import { isLone, type LoopStep, type SharedLoop } from "../../../plan/loops.ts";
import { nameOfOps } from "../../../kernels/names.ts";
import { scalarText } from "../scalar.ts";
import { forLoop, sumText } from "../../module/text.ts";
import { onlyView } from "../../../kernels/results.ts";

/** Steps that walk the same elements, in one loop: what a step makes is a number for those after it. */
export function loopCall({ steps, count, stored }: SharedLoop, naming: Naming): Call {
  const call = new CallBuilder(naming);
  call.size("count", count);
  const memory = new Memory(call, naming);
  const [loads, before, lines, after]: [string[], string[], string[], string[]] = [[], [], [], []];
  /** The numbers that stand for elements of views. */
  const numbers = new Map<string, string>();
  let loaded = 0;
  const load = (view: View): string => {
    const known = numbers.get(keyOf(view));
    if (known !== undefined) return known;
    const [to, place] = isLone(view) ? [loads, memory.first(view)] : [lines, memory.element(view)];
    const name = `x${++loaded}`;
    to.push(`const ${name} = ${place};`);
    numbers.set(keyOf(view), name);
    return name;
  };
  steps.forEach((step, index) => {
    const out = onlyView(step.results);
    if (step.op === "reduce_sum") {
      loads.push(`let total${index} = 0;`);
      lines.push(`total${index} += ${load(step.operands.x)};`);
      if (stored.has(out.buffer)) after.push(`${memory.first(out)} = total${index};`);
      return;
    }
    const { inputs } = step.operands;
    const texts = inputs.map(load);
    const lone = new Set(inputs.flatMap((input, at) => (isLone(input) ? [at] : [])));
    const text = scalarText(step.attrs.program, { texts, lone, suffix: `_${index}` });
    call.helpers(text.helpers);
    append(before, text.before);
    const isStored = stored.has(out.buffer);
    if (!isReadIn(steps.slice(index + 1), out.buffer)) {
      if (isStored) append(lines, [...text.lines, `${memory.element(out)} = ${text.result};`]);
      return;
    }
    append(lines, [...text.lines, `const r${index} = ${asStored(out, text.result, naming)};`]);
    numbers.set(keyOf(out), `r${index}`);
    if (isStored) lines.push(`${memory.element(out)} = r${index};`);
  });
  const doc = ["Several steps over the same elements: each tensor is read and written once."];
  const body = [...loads, ...before, ...forLoop("i", "count", lines), ...after];
  return call.finish(`each_${nameOfOps(steps.flatMap(wordsOf))}`, doc, body);
}

const isReadIn = (steps: readonly LoopStep[], buffer: number): boolean =>
  steps.some((step) => operandViews(step).some((view) => view.buffer === buffer));

/** The number that a later step would load: which steps share a loop changes no bit. */
const asStored = ({ type }: View, text: string, { floats }: Naming): string =>
  isFloat(type.dtype) && floats === "f32" ? `Math.fround(${text})` : text;

/** Views of which element i of the loop is the same. */
const keyOf = (view: View): string => `${view.buffer} ${view.offset.key}${isLone(view) ? " alone" : ""}`;

const wordsOf = (step: LoopStep): readonly string[] =>
  step.op === "reduce_sum" ? ["sum"] : step.attrs.program.steps.map(({ op }) => op);

/** The tensors of a loop as parameters; one that is written where another was read is the same parameter. */
class Memory {
  readonly #call: CallBuilder;
  readonly #naming: Naming;
  readonly #places = new Map<string, { readonly name: string; readonly start: string }>();

  constructor(call: CallBuilder, naming: Naming) {
    this.#call = call;
    this.#naming = naming;
  }

  element(view: View): string {
    const { name, start } = this.#place(view);
    return `${name}[${sumText(start, "i")}]`;
  }

  first(view: View): string {
    const { name, start } = this.#place(view);
    return `${name}[${start}]`;
  }

  #place(view: View) {
    const key = `${this.#naming.array(view)} ${this.#naming.start(view) ?? ""}`;
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const name = `y${this.#places.size + 1}`;
    const place = { name, start: this.#call.tensor(name, view) };
    this.#places.set(key, place);
    return place;
  }
}
