import type { Label } from "./bytes.ts";
import { i32 } from "./numbers.ts";
import { instruction, sequence, type Code, type I32, type Statement, type ValueType } from "./code.ts";

const EMPTY = 0x40;

const opened =
  (opcode: number) =>
  (body: (label: Label) => readonly Statement[]): Statement => {
    const label: Label = Symbol("label");
    const statements = body(label);
    return {
      type: "none",
      write: (to) => {
        to.bytes([opcode, EMPTY]);
        to.open(label);
        for (const statement of statements) statement.write(to);
        to.close();
        to.byte(0x0b);
      },
    };
  };

/** Statements that a branch to their label leaves. */
export const block = opened(0x02);

/** Statements that a branch to their label begins again. */
export const loop = opened(0x03);

export const branch = (label: Label): Statement => ({
  type: "none",
  write: (to) => {
    to.byte(0x0c);
    to.unsigned(to.depthOf(label));
  },
});

export const branchIf = (label: Label, condition: I32): Statement => ({
  type: "none",
  write: (to) => {
    condition.write(to);
    to.byte(0x0d);
    to.unsigned(to.depthOf(label));
  },
});

/** One list of statements or the other; a condition that is known leaves no branch. */
export function when(
  condition: I32,
  then: readonly Statement[],
  otherwise: readonly Statement[] = [],
): Statement {
  if (condition.known !== undefined) return sequence(...(condition.known === 0 ? otherwise : then));
  const label: Label = Symbol("label");
  return {
    type: "none",
    write: (to) => {
      condition.write(to);
      to.bytes([0x04, EMPTY]);
      to.open(label);
      for (const statement of then) statement.write(to);
      if (otherwise.length > 0) to.byte(0x05);
      for (const statement of otherwise) statement.write(to);
      to.close();
      to.byte(0x0b);
    },
  };
}

/** One value or the other; both are computed. */
export const select = <T extends Exclude<ValueType, "v128">>(
  condition: I32,
  yes: Code<T>,
  no: Code<T>,
): Code<T> => instruction(yes.type, [yes, no, condition], [0x1b]);

/** The smaller of two numbers. */
export const lesser = (x: I32, y: I32): I32 =>
  x.known !== undefined && y.known !== undefined
    ? i32.const(Math.min(x.known, y.known))
    : select(i32.lt_s(x, y), x, y);

export const leave: Statement = instruction("none", [], [0x0f]);

/** Stops the machine: for what cannot be. */
export const unreachable: Statement = instruction("none", [], [0x00]);

/** Calls the function that stands at an index of the table. */
export const callIndirect = (typeIndex: number, index: I32, args: readonly Code<ValueType>[]): Statement =>
  instruction("none", [...args, index], [0x11], (to) => {
    to.unsigned(typeIndex);
    to.byte(0);
  });
