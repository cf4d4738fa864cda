import type { State } from "../ir/graph.ts";
import { statesOf } from "../ir/program.ts";
import { evaluateDim, symbolsOf } from "../tensor/dim.ts";
import type { Decoding } from "./program.ts";

/** Bytes that are kept of a text: for each of its positions, and however long it is. */
export interface KeptBytes {
  readonly position: number;
  readonly text: number;
}

/** Of one text, what it is about aside. */
export function keptBytes({ program, dims, states: roles }: Decoding): KeptBytes {
  const states = statesOf(program).filter(({ name }) => roles.get(name)!.kind !== "context");
  const at = (capacity: number): number =>
    states.reduce((sum, state) => sum + bytesOf(state, dims.capacity, capacity), 0);
  return { position: at(2) - at(1), text: 2 * at(1) - at(2) };
}

/** States have 32 bits an element on every target. */
const bytesOf = ({ value }: Pick<State, "value">, symbol: string, capacity: number): number =>
  value.type.shape.reduce(
    (size, each) =>
      size *
      evaluateDim(each, new Map([...symbolsOf(each)].map((name) => [name, name === symbol ? capacity : 1]))),
    4,
  );
