import type { Bytes } from "./bytes.ts";

export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128";

/** Code that leaves a value of its type; of type `none` a statement. It may be written several times. */
export interface Code<T extends ValueType | "none" = ValueType | "none"> {
  readonly type: T;
  readonly write: (to: Bytes) => void;
  /** The number that an i32 is, where it is known. */
  readonly known?: number;
  /** A variable's value, or a constant: to write it again costs nothing. */
  readonly isAtHand?: true;
}

export type I32 = Code<"i32">;
export type I64 = Code<"i64">;
export type F32 = Code<"f32">;
export type F64 = Code<"f64">;
export type V128 = Code<"v128">;
export type Statement = Code<"none">;

/** The byte of a type in binary code. */
export const typeBytes: Readonly<Record<ValueType, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
};

/** Operands one after the other, then the instruction. */
export const instruction = <T extends ValueType | "none">(
  type: T,
  operands: readonly Code[],
  opcode: readonly number[],
  immediates?: (to: Bytes) => void,
): Code<T> => ({
  type,
  write: (to) => {
    for (const operand of operands) operand.write(to);
    to.bytes(opcode);
    immediates?.(to);
  },
});

export const sequence = (...statements: readonly Statement[]): Statement => ({
  type: "none",
  write: (to) => {
    for (const statement of statements) statement.write(to);
  },
});

/** A value that nobody wants. */
export const drop = (value: Code<ValueType>): Statement => instruction("none", [value], [0x1a]);

export type Unary<T extends ValueType, R extends ValueType = T> = (x: Code<T>) => Code<R>;
export type Binary<T extends ValueType, R extends ValueType = T> = (x: Code<T>, y: Code<T>) => Code<R>;

export const unary =
  <T extends ValueType, R extends ValueType>(_: T, result: R, ...opcode: readonly number[]): Unary<T, R> =>
  (x) =>
    instruction(result, [x], opcode);

export const binary =
  <T extends ValueType, R extends ValueType>(_: T, result: R, ...opcode: readonly number[]): Binary<T, R> =>
  (x, y) =>
    instruction(result, [x, y], opcode);

/** Reads or writes memory: the address, a constant offset, log₂ of how it is aligned. */
const memory = (align: number, offset: number) => (to: Bytes) => {
  to.unsigned(align);
  to.unsigned(offset);
};

export const loadOf =
  <T extends ValueType>(type: T, align: number, ...opcode: readonly number[]) =>
  (address: I32, offset = 0): Code<T> =>
    instruction(type, [address], opcode, memory(align, offset));

export const storeOf =
  <T extends ValueType>(_: T, align: number, ...opcode: readonly number[]) =>
  (address: I32, value: Code<T>, offset = 0): Statement =>
    instruction("none", [address, value], opcode, memory(align, offset));

/** The same for one lane of a vector. */
export const laneStoreOf =
  (align: number, ...opcode: readonly number[]) =>
  (address: I32, value: V128, lane: number, offset = 0): Statement =>
    instruction("none", [address, value], opcode, (to) => {
      memory(align, offset)(to);
      to.byte(lane);
    });

export const laneLoadOf =
  (align: number, ...opcode: readonly number[]) =>
  (address: I32, value: V128, lane: number, offset = 0): V128 =>
    instruction("v128", [address, value], opcode, (to) => {
      memory(align, offset)(to);
      to.byte(lane);
    });

export const laneOf =
  <R extends ValueType>(result: R, ...opcode: readonly number[]) =>
  (x: V128, lane: number): Code<R> =>
    instruction(result, [x], opcode, (to) => {
      to.byte(lane);
    });

export const replaceLaneOf =
  <T extends ValueType>(_: T, ...opcode: readonly number[]) =>
  (x: V128, lane: number, value: Code<T>): V128 =>
    instruction("v128", [x, value], opcode, (to) => {
      to.byte(lane);
    });
