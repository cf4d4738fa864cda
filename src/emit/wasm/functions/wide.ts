import type { Statement, V128 } from "../assembler/code.ts";
import type { FunctionWriter } from "../assembler/function.ts";
import type { Constants, Machine } from "../machine.ts";

/**
 * A number of several vectors of four lanes. What is done to it is written out for each vector before the next operation,
 * since a core has room for some 64 instructions that wait: one vector after the other leaves it idle.
 */
export type Wide = readonly V128[];

/** Where the code of functions goes: what they need more than once they put into variables. */
export interface Body {
  readonly machine: Machine;
  readonly constants: Constants;
  readonly writer: FunctionWriter;
  /** Statements that come before what is written next. */
  readonly push: (...statements: readonly Statement[]) => void;
}
