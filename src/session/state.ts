import type { StateForm, StateTensor, StateTensors } from "./form.ts";

/** The states of a session, of which only as many rows are known as it has positions. */
const mapStates = (
  state: StateTensors,
  forms: readonly StateForm[],
  change: (tensor: StateTensor, form: StateForm) => StateTensor,
): StateTensors => Object.fromEntries(forms.map((form) => [form.name, change(state[form.name]!, form)]));

/** The names of the states that are not rows of positions: small, and what going back needs copies of. */
export const carriedNames = (forms: readonly StateForm[]): readonly string[] =>
  forms.filter(({ kind }) => kind === "carried").map(({ name }) => name);

/** Some of the states by their names. */
export const pickStates = (state: StateTensors, names: readonly string[]): StateTensors =>
  Object.fromEntries(names.map((name) => [name, state[name]!]));

/** What a state takes of another along one axis, which is then so long: rows from places to places. */
export interface Taking {
  readonly axis: number;
  readonly size: number;
  readonly runs: readonly { readonly from: number; readonly to: number; readonly count: number }[];
}

/** What each state takes of its like; undefined: all of it, as it is. */
export type TakingOf = (form: StateForm) => Taking | undefined;

/** Of states with rows of positions as many as are known, in room for so many positions. */
export const rowsOfCapacity =
  (capacity: number, known: number): TakingOf =>
  ({ kind, axis, lead }) =>
    kind === "rows"
      ? { axis, size: capacity + lead, runs: [{ from: 0, to: 0, count: known + lead }] }
      : undefined;

/** The rows of a batch that are chosen, in their order. */
export const rowsOfBatch =
  (rows: readonly number[]): TakingOf =>
  ({ batch }) =>
    batch < 0
      ? undefined
      : { axis: batch, size: rows.length, runs: rows.map((from, to) => ({ from, to, count: 1 })) };

/** Elements of a state that another takes, from places to places. */
export interface StateMove {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

const sizeOfShape = (shape: readonly number[]): number => shape.reduce((size, length) => size * length, 1);

/** The elements that a state of a name and shape gives. */
export function movesOf(name: string, shape: readonly number[], taking: Taking | undefined): StateMove[] {
  if (taking === undefined) return [{ name, from: 0, to: 0, count: sizeOfShape(shape) }];
  const { axis, size, runs } = taking;
  const inner = sizeOfShape(shape.slice(axis + 1));
  const outer = sizeOfShape(shape.slice(0, axis));
  return Array.from({ length: outer }, (_, item) =>
    runs.map(({ from, to, count }) => ({
      name,
      from: (item * shape[axis]! + from) * inner,
      to: (item * size + to) * inner,
      count: count * inner,
    })),
  ).flat();
}

/** The states that take something of others. */
export const takenStates = (
  state: StateTensors,
  forms: readonly StateForm[],
  takingOf: TakingOf,
): StateTensors =>
  mapStates(state, forms, ({ data, shape }, form) => {
    const taking = takingOf(form);
    if (taking === undefined) return { data, shape };
    const taken = shape.with(taking.axis, taking.size);
    const copy = emptyLike(data, sizeOfShape(taken));
    for (const { from, to, count } of movesOf(form.name, shape, taking))
      for (let i = 0; i < count; i++) copy[to + i] = data[from + i]!;
    return { data: copy, shape: taken };
  });

/** A part of a tensor along one axis. */
export function rowsOfTensor(
  { data, shape }: StateTensor,
  axis: number,
  start: number,
  count: number,
): StateTensor {
  const inner = sizeOfShape(shape.slice(axis + 1));
  const outer = sizeOfShape(shape.slice(0, axis));
  const rows = new Array<number>(outer * count * inner);
  for (let item = 0, at = 0; item < outer; item++)
    for (let i = 0; i < count * inner; i++) rows[at++] = data[(item * shape[axis]! + start) * inner + i]!;
  return { data: rows, shape: shape.with(axis, count) };
}

/** As a module has it: floats, or whole numbers. */
const emptyLike = (data: ArrayLike<number>, size: number): Float32Array | Int32Array =>
  data instanceof Int32Array ? new Int32Array(size) : new Float32Array(size);
