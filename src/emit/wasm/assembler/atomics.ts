import { instruction, type Code, type I32, type I64, type Statement } from "./code.ts";

const atomic =
  <T extends "i32" | "none">(type: T, op: number) =>
  (offset: number, ...operands: readonly Code[]) =>
    instruction(type, operands, [0xfe, op], (to) => {
      to.unsigned(2);
      to.unsigned(offset);
    });

const notify = atomic("i32", 0x00);
const wait = atomic("i32", 0x01);
const load = atomic("i32", 0x10);
const store = atomic("none", 0x17);
const add = atomic("i32", 0x1e);
const or = atomic("i32", 0x33);
const exchange = atomic("i32", 0x48);

/** What threads see in one order; words of 32 bits. */
export const atomics = {
  load: (address: I32, offset = 0): I32 => load(offset, address),
  store: (address: I32, value: I32, offset = 0): Statement => store(offset, address, value),
  /** These give what was there before. */
  add: (address: I32, value: I32, offset = 0): I32 => add(offset, address, value),
  or: (address: I32, value: I32, offset = 0): I32 => or(offset, address, value),
  compareExchange: (address: I32, expected: I32, value: I32, offset = 0): I32 =>
    exchange(offset, address, expected, value),
  /** Sleeps while the word is as expected, for so many nanoseconds at most (-1: for ever): 0 woken, 1 another value, 2 time is up. */
  wait: (address: I32, expected: I32, nanoseconds: I64, offset = 0): I32 =>
    wait(offset, address, expected, nanoseconds),
  /** Wakes so many that sleep at the word. */
  notify: (address: I32, count: I32, offset = 0): I32 => notify(offset, address, count),
} as const;
