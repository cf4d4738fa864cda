import {
  bodyOf,
  typeOf,
  type Expression,
  type Fold,
  type Load,
  type Loop,
  type LoopKernel,
  type Name,
  type Operation,
  type Statement,
  type Tensor,
} from "../../../src/emit/loops/tree.ts";
import { verifyKernel } from "../../../src/emit/loops/verify.ts";
import { scalarFunctions, type ScalarName } from "../../../src/ops/scalar.ts";
import type { Dim } from "../../../src/tensor/dim.ts";
import type { View } from "../../../src/kernels/view.ts";
import { roundTo } from "../../../src/tensor/dtype.ts";
import { threefry2x32 } from "../../../src/tensor/random.ts";

/** What a vector of 128 bits has of float32. */
const LANES = 4;

export type Elements = Float32Array | Float64Array | Int32Array;

/** Where a plan's tensors and sizes are when a kernel runs. */
export interface Memory {
  readonly arrayOf: (view: View) => Elements;
  readonly sizeOf: (size: Dim) => number;
}

/**
 * Runs a kernel as a target with vectors of four lanes would: each statement of a `lanes` loop for four turns before the
 * next statement; a number outside is four equal ones; a reduction across lanes is four sums that become one
 * after the loop. `rows` and `folds` run from the last to the first: they may come in any order.
 */
export function evaluateKernel(kernel: LoopKernel, memory: Memory): void {
  verifyKernel(kernel);
  const { parameters, body } = kernel;
  const machine = new Machine(memory);
  for (const parameter of parameters)
    if (parameter.kind === "size") machine.set(parameter.name, memory.sizeOf(parameter.size));
    else if (parameter.kind === "number") machine.set(parameter.name, parameter.value);
  const scratch = parameters.filter((parameter) => parameter.kind === "scratch");
  // What was left there is nothing to count on.
  const own = new Float64Array(Math.max(0, ...scratch.map(({ elements }) => memory.sizeOf(elements)))).fill(
    NaN,
  );
  for (const { tensor } of scratch) machine.place(tensor, own);
  machine.run(body);
}

const first = { add: 0, max: -Infinity, min: Infinity, peak: -Infinity } as const satisfies Record<
  Fold,
  number
>;
const folds = {
  add: (x: number, y: number) => x + y,
  max: (x: number, y: number) => Math.max(x, y),
  min: (x: number, y: number) => Math.min(x, y),
  peak: (x: number, y: number) => Math.max(x, y),
} as const satisfies Record<Fold, (x: number, y: number) => number>;

const operations: Readonly<Partial<Record<Operation, (...args: number[]) => number>>> = {
  truncate: Math.trunc,
  relative_power: Math.exp,
  threefry: (...[key0, key1, counter0, counter1]) => threefry2x32(key0!, key1!, counter0!, counter1!)[0],
};

class Machine {
  readonly #memory: Memory;
  readonly #values = new Map<Name, number[]>();
  readonly #tables = new Map<Tensor, Elements>();

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  place(tensor: Tensor, elements: Elements): void {
    this.#tables.set(tensor, elements);
  }

  set(name: Name, value: number): void {
    this.#values.set(name, new Array<number>(LANES).fill(value));
  }

  /** `live` lanes are in use; outside of lanes all four are equal. */
  run(body: readonly Statement[], live?: number): void {
    for (const statement of body) this.#statement(statement, live);
  }

  #statement(statement: Statement, live: number | undefined): void {
    switch (statement.kind) {
      case "let":
        this.#values.set(statement.name, this.#all(statement.value));
        return;
      case "total":
        this.set(statement.name, first[statement.fold]);
        return;
      case "restart":
        this.set(statement.total, first[statement.fold]);
        return;
      case "take": {
        const [total, values] = [this.#values.get(statement.total)!, this.#all(statement.value)];
        for (let lane = 0; lane < (live ?? LANES); lane++)
          total[lane] = folds[statement.fold](total[lane]!, values[lane]!);
        return;
      }
      case "store": {
        const [places, values] = [this.#places(statement.to), this.#all(statement.value)];
        const array = this.#arrayOf(statement.to.tensor);
        for (let lane = 0; lane < (live ?? 1); lane++) array[places[lane]!] = values[lane]!;
        return;
      }
      case "loop":
        this.#loop(statement, live);
        return;
      case "when":
        if (this.#all(statement.condition)[0] !== 0) this.run(statement.body, live);
        return;
      case "check":
        return;
      case "clear": {
        const start = this.#places(statement.from)[0]!;
        this.#arrayOf(statement.from.tensor).fill(0, start, start + this.#all(statement.count)[0]!);
        return;
      }
      case "table":
        this.#tables.set(statement.tensor, Float64Array.from(statement.values));
        return;
      case "note":
        return;
    }
  }

  #loop({ order, index, from, to, body }: Loop, live: number | undefined): void {
    const [start, end] = [this.#all(from)[0]!, this.#all(to)[0]!];
    if (order === "lanes") {
      this.#lanes({ index, body }, start, end);
      return;
    }
    for (let turn = start; turn < end; turn++) {
      this.set(index, order === "rows" || order === "folds" ? start + end - 1 - turn : turn);
      this.run(body, live);
    }
  }

  #lanes({ index, body }: Pick<Loop, "index" | "body">, start: number, end: number): void {
    const across = totalsTakenIn(body).map(({ total, fold }) => {
      const parts = this.#values.get(total)!;
      parts.fill(first[fold], 1);
      return { total, fold, parts };
    });
    for (let turn = start; turn < end; turn += LANES) {
      this.#values.set(
        index,
        [0, 1, 2, 3].map((lane) => turn + lane),
      );
      this.run(body, Math.min(LANES, end - turn));
    }
    for (const { total, fold, parts } of across)
      this.set(
        total,
        parts.reduce((x, y) => folds[fold](x, y)),
      );
  }

  #all(expression: Expression): number[] {
    return [0, 1, 2, 3].map((lane) => this.#value(expression, lane));
  }

  #value(expression: Expression, lane: number): number {
    switch (expression.kind) {
      case "number":
        return expression.value;
      case "name": {
        const values = this.#values.get(expression);
        if (values === undefined) throw new Error(`${expression.name} has no value`);
        return values[lane]!;
      }
      case "load":
        return this.#arrayOf(expression.tensor)[this.#place(expression, lane)] ?? NaN;
      case "rounded":
        return roundTo(expression.dtype, this.#value(expression.value, lane));
      case "apply": {
        const { op, args } = expression;
        const evaluate = operations[op] ?? scalarFunctions[op as ScalarName].evaluate;
        const value = evaluate(...args.map((arg) => this.#value(arg, lane)));
        if (typeOf(expression) === "whole" && !Number.isNaN(value) && !Number.isInteger(value))
          throw new Error(`${op} is said to be whole, and is ${value}`);
        return value;
      }
    }
  }

  #places(load: Load): number[] {
    return [0, 1, 2, 3].map((lane) => this.#place(load, lane));
  }

  #place({ terms }: Load, lane: number): number {
    return terms.reduce(
      (sum, { index, stride }) => sum + this.#value(index, lane) * this.#value(stride, lane),
      0,
    );
  }

  #arrayOf(tensor: Tensor): Elements {
    return this.#tables.get(tensor) ?? this.#memory.arrayOf(tensor.view!);
  }
}

/** Totals from outside to which the lanes of a loop add. */
const totalsTakenIn = (body: readonly Statement[]): readonly Extract<Statement, { kind: "take" }>[] => {
  const all = (list: readonly Statement[]): readonly Statement[] =>
    list.flatMap((each) => [each, ...all(bodyOf(each))]);
  const inside = all(body);
  const own = new Set(inside.flatMap((each) => (each.kind === "total" ? [each.name] : [])));
  const taken = inside.filter((each) => each.kind === "take").filter(({ total }) => !own.has(total));
  return [...new Map(taken.map((each) => [each.total, each])).values()];
};
