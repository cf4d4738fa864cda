import { SessionError } from "./error.ts";
import {
  ADDED,
  SO_FAR,
  type SessionForm,
  type StateSizes,
  type StateTensor,
  type StateTensors,
} from "./form.ts";
import { rowsOfTensor } from "./state.ts";

/** Token ids: of one text, or of each text of a batch. */
export type TokenIds = ArrayLike<number> | readonly ArrayLike<number>[];

/** The sizes that are fixed with the memory of the states, if there is any: the batch, the positions, and those of what is encoded. */
export function stateSizes(
  form: SessionForm,
  batch: number,
  capacity: number,
  encoded: StateTensors,
): StateSizes {
  const known = new Map([[form.capacity, capacity]]);
  for (const { name, axes } of form.context ?? [])
    for (const [axis, key] of axes.entries()) {
      const size = encoded[name]?.shape[axis];
      if (size !== undefined) known.set(key, size);
    }
  if (form.batch !== undefined) known.set(form.batch, batch);
  return Object.fromEntries([...known].filter(([name]) => name === form.batch || form.fixed.includes(name)));
}

/** The largest of some numbers, none of which is below 0. */
export const largestNumber = (numbers: readonly number[]): number =>
  numbers.reduce((most, each) => Math.max(most, each), 0);

/** What texts begin or go on with. */
export interface TextInputs {
  readonly inputs: StateTensors;
  /** Where each text begins, if they have different lengths: what stands before it is padding. */
  readonly begins?: readonly number[];
}

/** The inputs of a text, whose token ids may be given as they are. */
export function textInputs(form: SessionForm, given: object): TextInputs {
  const isList = Array.isArray(given) || ArrayBuffer.isView(given);
  if (!isList) return { inputs: given as StateTensors };
  const { tokens } = form;
  if (tokens === undefined)
    throw new SessionError(
      `the model reads ${form.inputs.map(({ name }) => name).join(", ")}: give each by its name`,
    );
  const ids = given as TokenIds;
  if (typeof ids[0] !== "object") {
    const row = ids as ArrayLike<number>;
    const { length: rank } = form.inputs.find(({ name }) => name === tokens)!.axes;
    return { inputs: { [tokens]: { data: row, shape: rank === 1 ? [row.length] : [1, row.length] } } };
  }
  const rows = Array.from(ids as readonly ArrayLike<number>[], (row) => Array.from(row));
  const length = largestNumber(rows.map((row) => row.length));
  const begins = rows.map((row) => length - row.length);
  // Shorter texts stand behind padding; what id it has does not matter.
  const padded = rows.flatMap((row, at) => [...new Array<number>(begins[at]!).fill(0), ...row]);
  const inputs = { [tokens]: { data: padded, shape: [rows.length, length] } };
  return begins.every((begin) => begin === 0) ? { inputs } : { inputs, begins };
}

/** How many positions inputs have. */
export function positionsOf(form: SessionForm, inputs: StateTensors): number {
  for (const { name, axes } of form.inputs) {
    const count = axes.includes(ADDED) ? inputs[name]?.shape[axes.indexOf(ADDED)] : undefined;
    if (count !== undefined) return count;
  }
  throw new SessionError("no input says which positions are new");
}

/** Some of the positions of inputs: of a mask of pairs their rows, and as many keys as there are then. */
export function cutInputs(
  form: SessionForm,
  inputs: StateTensors,
  start: number,
  count: number,
  length: number,
): StateTensors {
  const entries = form.inputs.flatMap(({ name, axes }): [string, StateTensor][] => {
    let tensor = inputs[name];
    if (tensor === undefined) return [];
    for (const [axis, key] of axes.entries())
      if (key === ADDED) tensor = rowsOfTensor(tensor, axis, start, count);
      else if (key === SO_FAR) tensor = rowsOfTensor(tensor, axis, 0, length);
    return [[name, tensor]];
  });
  return Object.fromEntries(entries);
}
