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

/** The states with this many rows of positions in place of as many as there were: what is known is copied. */
export const withCapacity = (
  state: StateTensors,
  forms: readonly StateForm[],
  capacity: number,
): StateTensors =>
  mapStates(state, forms, (tensor, { kind, axis, lead }) =>
    kind === "rows" ? resizedState(tensor, axis, capacity + lead) : tensor,
  );

const sizeOfShape = (shape: readonly number[]): number => shape.reduce((size, length) => size * length, 1);

function resizedState({ data, shape }: StateTensor, axis: number, rows: number): StateTensor {
  if (shape[axis] === rows) return { data, shape };
  const inner = sizeOfShape(shape.slice(axis + 1));
  const outer = sizeOfShape(shape.slice(0, axis));
  const [before, after] = [shape[axis]! * inner, rows * inner];
  const copy = emptyLike(data, outer * after);
  for (let item = 0; item < outer; item++)
    for (let i = 0; i < Math.min(before, after); i++) copy[item * after + i] = data[item * before + i]!;
  return { data: copy, shape: shape.with(axis, rows) };
}

/** The rows of a batch that are chosen, in their order. */
export const selectedStates = (
  state: StateTensors,
  forms: readonly StateForm[],
  rows: readonly number[],
): StateTensors =>
  mapStates(state, forms, (tensor, { batch }) => (batch < 0 ? tensor : gatheredRows(tensor, batch, rows)));

function gatheredRows({ data, shape }: StateTensor, axis: number, rows: readonly number[]): StateTensor {
  const inner = sizeOfShape(shape.slice(axis + 1));
  const outer = sizeOfShape(shape.slice(0, axis));
  const copy = emptyLike(data, outer * rows.length * inner);
  for (let item = 0; item < outer; item++)
    for (const [at, row] of rows.entries())
      for (let i = 0; i < inner; i++)
        copy[(item * rows.length + at) * inner + i] = data[(item * shape[axis]! + row) * inner + i]!;
  return { data: copy, shape: shape.with(axis, rows.length) };
}

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
