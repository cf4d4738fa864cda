import type { EmittedTensor, EmittedTensors } from "../../emit/emitted.ts";
import type { StateRole } from "../../incremental/states.ts";
import { sizeOf } from "../../tensor/host.ts";

type Roles = ReadonlyMap<string, StateRole>;

/** The states of a session, of which only as many rows are known as it has positions. */
const mapStates = (
  state: EmittedTensors,
  change: (tensor: EmittedTensor, name: string) => EmittedTensor,
): EmittedTensors =>
  Object.fromEntries(Object.entries(state).map(([name, tensor]) => [name, change(tensor, name)]));

/** The states that are not rows of positions: small, and what going back needs copies of. */
export const carriedStates = (state: EmittedTensors, roles: Roles): EmittedTensors =>
  Object.fromEntries(Object.entries(state).filter(([name]) => isCarried(roles.get(name))));

export const isCarried = (role: StateRole | undefined): boolean =>
  role !== undefined && role.kind !== "rows" && role.kind !== "context";

/** The state with this many rows of positions in place of as many as there were: what is known is copied. */
export const withCapacity = (state: EmittedTensors, roles: Roles, capacity: number): EmittedTensors =>
  mapStates(state, (tensor, name) => {
    const role = roles.get(name);
    return role?.kind === "rows" ? resized(tensor, role.axis, capacity + role.lead) : tensor;
  });

function resized({ data, shape }: EmittedTensor, axis: number, rows: number): EmittedTensor {
  const inner = sizeOf(shape.slice(axis + 1));
  const outer = sizeOf(shape.slice(0, axis));
  const [before, after] = [shape[axis]! * inner, rows * inner];
  const copy = emptyLike(data, outer * after);
  for (let item = 0; item < outer; item++)
    for (let i = 0; i < Math.min(before, after); i++) copy[item * after + i] = data[item * before + i]!;
  return { data: copy, shape: shape.with(axis, rows) };
}

/** The rows of a batch that are chosen, in their order; `axes` says where each state has its batch. */
export const selected = (
  state: EmittedTensors,
  axes: ReadonlyMap<string, number>,
  rows: readonly number[],
): EmittedTensors =>
  mapStates(state, (tensor, name) => {
    const axis = axes.get(name);
    return axis === undefined ? tensor : gathered(tensor, axis, rows);
  });

function gathered({ data, shape }: EmittedTensor, axis: number, rows: readonly number[]): EmittedTensor {
  const inner = sizeOf(shape.slice(axis + 1));
  const outer = sizeOf(shape.slice(0, axis));
  const copy = emptyLike(data, outer * rows.length * inner);
  for (let item = 0; item < outer; item++)
    for (const [at, row] of rows.entries())
      for (let i = 0; i < inner; i++)
        copy[(item * rows.length + at) * inner + i] = data[(item * shape[axis]! + row) * inner + i]!;
  return { data: copy, shape: shape.with(axis, rows.length) };
}

/** As a module has it: floats, or whole numbers. */
const emptyLike = (data: ArrayLike<number>, size: number): Float32Array | Int32Array =>
  data instanceof Int32Array ? new Int32Array(size) : new Float32Array(size);
