import { append } from "../../../support/lists.ts";
import { block, branchIf, loop } from "./control.ts";
import { Bytes } from "./bytes.ts";
import {
  instruction,
  sequence,
  typeBytes,
  type Code,
  type I32,
  type Statement,
  type ValueType,
} from "./code.ts";
import { i32 } from "./numbers.ts";

/** A variable of a function. */
export class Local<T extends ValueType> {
  readonly type: T;
  readonly #index: number;

  constructor(type: T, index: number) {
    this.type = type;
    this.#index = index;
  }

  get get(): Code<T> {
    return { ...this.#instruction(this.type, [], 0x20), isAtHand: true };
  }

  set(value: Code<T>): Statement {
    return this.#instruction("none", [value], 0x21);
  }

  /** Sets it, and is its value. */
  tee(value: Code<T>): Code<T> {
    return this.#instruction(this.type, [value], 0x22);
  }

  #instruction<R extends ValueType | "none">(type: R, operands: readonly Code[], opcode: number): Code<R> {
    return instruction(type, operands, [opcode], (to) => {
      to.unsigned(this.#index);
    });
  }
}

export interface Signature {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** A function while it is written: its variables, and its statements in order. */
export class FunctionWriter {
  readonly signature: Signature;
  readonly #locals: ValueType[] = [];
  readonly #body: Code[] = [];

  constructor(parameters: readonly ValueType[], results: readonly ValueType[] = []) {
    this.signature = { parameters, results };
  }

  parameter(index: number): Local<"i32"> {
    return new Local("i32", index);
  }

  local<T extends ValueType>(type: T): Local<T> {
    this.#locals.push(type);
    return new Local(type, this.signature.parameters.length + this.#locals.length - 1);
  }

  locals<T extends ValueType>(type: T, count: number): readonly Local<T>[] {
    return Array.from({ length: count }, () => this.local(type));
  }

  push(...statements: readonly Statement[]): void {
    append(this.#body, statements);
  }

  /** What it gives back, last. */
  result(value: Code<ValueType>): void {
    this.#body.push(value);
  }

  /**
   * `body` for each index from `from` on while it is below `to`, `step` at a time; `to` is computed in every turn. A range
   * that is known to be empty leaves no code.
   */
  range(from: I32, to: I32, step: number, body: (index: I32) => readonly Statement[]): Statement {
    if (from.known !== undefined && to.known !== undefined && from.known >= to.known) return sequence();
    const index = this.local("i32");
    return block((exit) => [
      index.set(from),
      branchIf(exit, i32.ge_s(index.get, to)),
      loop((again) => [
        ...body(index.get),
        branchIf(again, i32.lt_s(index.tee(i32.add(index.get, i32.const(step))), to)),
      ]),
    ]);
  }

  /** Its locals and instructions, as they stand in the section of code. */
  encode(): Uint8Array<ArrayBuffer> {
    const to = new Bytes();
    const runs: { type: ValueType; count: number }[] = [];
    for (const type of this.#locals) {
      const last = runs.at(-1);
      if (last?.type === type) last.count++;
      else runs.push({ type, count: 1 });
    }
    to.list(runs, ({ type, count }) => {
      to.unsigned(count);
      to.byte(typeBytes[type]);
    });
    for (const code of this.#body) code.write(to);
    to.byte(0x0b);
    return to.finish();
  }
}
