import type { EmittedTensor, EmittedTensors, SaidDims } from "../../emit/emitted.ts";
import type { Decoding } from "../../incremental/program.ts";
import { statesOf } from "../../ir/program.ts";
import { symbolsOf } from "../../tensor/dim.ts";
import { sizeOf } from "../../tensor/host.ts";
import { SessionError } from "./error.ts";

/** A part of a tensor along one axis. */
function rowsOf({ data, shape }: EmittedTensor, axis: number, start: number, count: number): EmittedTensor {
  const inner = sizeOf(shape.slice(axis + 1));
  const outer = sizeOf(shape.slice(0, axis));
  const rows = new Array<number>(outer * count * inner);
  for (let item = 0, at = 0; item < outer; item++)
    for (let i = 0; i < count * inner; i++) rows[at++] = data[(item * shape[axis]! + start) * inner + i]!;
  return { data: rows, shape: shape.with(axis, count) };
}

/** What the sizes of a program's inputs and states say of texts. */
export class TextSizes {
  /** The run-time size of the batch; undefined if there is one text alone. */
  readonly batch: string | undefined;
  /** Of each state that has the texts of a batch, the axis that they are. */
  readonly batchAxes: ReadonlyMap<string, number>;
  readonly #decoding: Decoding;

  constructor(decoding: Decoding) {
    const { program, dims } = decoding;
    const { inputs, symbols } = program.parts["append"]!;
    const names = new Set(symbols.map(({ name }) => name));
    const texts = inputs.filter(({ value }) => value.type.shape.some(({ key }) => key === dims.added));
    const sizes = texts.flatMap(({ value }) => value.type.shape.map(({ key }) => key));
    this.#decoding = decoding;
    this.batch = sizes.find((key) => key !== dims.added && names.has(key));
    this.batchAxes = new Map(
      statesOf(program).flatMap(({ name, value }): [string, number][] => {
        const axis = value.type.shape.findIndex(({ key }) => key === this.batch);
        return axis < 0 ? [] : [[name, axis]];
      }),
    );
  }

  /** The sizes that are fixed with the memory of the states: the batch, the positions, and those of what is encoded. */
  ofStates(batch: number, capacity: number, encoded: EmittedTensors): SaidDims {
    const { program, dims } = this.#decoding;
    const known = new Map([[dims.capacity, capacity]]);
    for (const { name, value } of program.parts["encode"]?.inputs ?? [])
      for (const [axis, { key }] of value.type.shape.entries()) {
        const size = encoded[name]?.shape[axis];
        if (size !== undefined) known.set(key, size);
      }
    if (this.batch !== undefined) known.set(this.batch, batch);
    const shapes = statesOf(program).flatMap(({ value }) => value.type.shape);
    const names = new Set(shapes.flatMap((size) => [...symbolsOf(size)]));
    return Object.fromEntries([...known].filter(([name]) => names.has(name)));
  }

  /** How many positions inputs have. */
  countOf(inputs: EmittedTensors): number {
    const { program, dims } = this.#decoding;
    for (const { name, value } of program.parts["append"]!.inputs) {
      const axis = value.type.shape.findIndex(({ key }) => key === dims.added);
      const count = axis < 0 ? undefined : inputs[name]?.shape[axis];
      if (count !== undefined) return count;
    }
    throw new SessionError("no input says which positions are new");
  }

  /** Some of the positions of inputs: of a mask of pairs their rows, and as many keys as there are then. */
  cut(inputs: EmittedTensors, start: number, count: number, length: number): EmittedTensors {
    const { program, dims } = this.#decoding;
    const entries = program.parts["append"]!.inputs.flatMap(({ name, value }): [string, EmittedTensor][] => {
      let tensor = inputs[name];
      if (tensor === undefined) return [];
      for (const [axis, size] of value.type.shape.entries())
        if (size.key === dims.added) tensor = rowsOf(tensor, axis, start, count);
        else if (symbolsOf(size).has(dims.past)) tensor = rowsOf(tensor, axis, 0, length);
      return [[name, tensor]];
    });
    return Object.fromEntries(entries);
  }
}
