import type { Decoding } from "../../src/incremental/program.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { initialTensors, randomInputs, randomParameters } from "../../src/ir/initialize.ts";
import { interpret, interpretRun } from "../../src/ir/interpret.ts";
import { statesOf } from "../../src/ir/program.ts";
import { isFloat } from "../../src/tensor/dtype.ts";
import { makeData, sizeOf, type HostTensor } from "../../src/tensor/host.ts";

export type Tensors = Readonly<Record<string, HostTensor>>;
export type Sizes = Readonly<Record<string, number>>;

/** Which part reads so many positions. */
export interface Chunk {
  readonly part: "append" | "step" | "all";
  readonly count: number;
}

/** So many positions a run; one at a time by the part `step`. */
export const chunks = (part: "append" | "all", ...counts: readonly number[]): Chunk[] =>
  counts.map((count) => ({ part: count === 1 && part === "all" ? "step" : part, count }));

/** A part of a tensor along one axis. */
export function rowsOf(tensor: HostTensor, axis: number, start: number, count: number): HostTensor {
  const inner = sizeOf(tensor.shape.slice(axis + 1));
  const outer = sizeOf(tensor.shape.slice(0, axis));
  const data = makeData(tensor.dtype, outer * count * inner);
  for (let item = 0; item < outer; item++) {
    const from = (item * tensor.shape[axis]! + start) * inner;
    data.set(tensor.data.subarray(from, from + count * inner), item * count * inner);
  }
  return { dtype: tensor.dtype, shape: tensor.shape.with(axis, count), data };
}

/** The parts of a decoding program in the interpreter, over one state. */
export class Decoder {
  readonly #decoding: Decoding;
  readonly #parameters: Tensors;
  readonly #dims: Sizes;
  readonly #state: Map<string, HostTensor>;
  past = 0;

  constructor(decoding: Decoding, parameters: Tensors, dims: Sizes) {
    this.#decoding = decoding;
    this.#parameters = parameters;
    this.#dims = dims;
    this.#state = new Map(
      Object.entries(initialTensors(statesOf(decoding.program), 0, new Map(Object.entries(dims)))),
    );
    for (const [name, role] of decoding.states)
      if (role.kind === "rows") blank(this.#state.get(name)!, role.axis, role.lead);
  }

  /** Reads what the text is about, if there is something. */
  encode(inputs: Tensors): Tensors {
    return this.#decoding.program.parts["encode"] === undefined ? {} : this.#run("encode", inputs, {});
  }

  run({ part, count }: Chunk, inputs: Tensors): Tensors {
    const outputs = this.#run(part, inputs, { [this.#decoding.dims.past]: this.past });
    this.past += count;
    return outputs;
  }

  #run(part: string, given: Tensors, sizes: Sizes): Tensors {
    const graph = this.#decoding.program.parts[part]!;
    const names = new Set(graph.inputs.map(({ name }) => name));
    const saidByCaller = new Set(
      graph.symbols.flatMap((symbol) => (symbol.given === true ? [symbol.name] : [])),
    );
    const { outputs, states } = interpretRun(graph, {
      inputs: Object.fromEntries(Object.entries(given).filter(([name]) => names.has(name))),
      parameters: this.#parameters,
      states: this.#state,
      dims: Object.fromEntries(
        Object.entries({ ...this.#dims, ...sizes }).filter(([name]) => saidByCaller.has(name)),
      ),
    });
    for (const [name, tensor] of Object.entries(states)) this.#state.set(name, tensor);
    return outputs;
  }
}

/** What no run has written is never read: a number that would show. */
function blank({ dtype, shape, data }: HostTensor, axis: number, lead: number): void {
  const inner = sizeOf(shape.slice(axis + 1));
  const rows = shape[axis]!;
  for (let i = 0; i < data.length; i++)
    if (Math.floor(i / inner) % rows >= lead) data[i] = isFloat(dtype) ? NaN : 1;
}

/** A model with weights and a text, and what the whole graph makes of it. */
export class Reference {
  readonly graph: Graph;
  readonly parameters: Tensors;
  readonly sizes: Sizes;
  readonly inputs: Tensors;
  readonly #symbol: string;
  readonly #whole = new Map<number, Tensors>();

  constructor(graph: Graph, symbol: string, sizes: Sizes, seed = 3, inputs: Tensors = {}) {
    const others = graph.symbols.map(({ name }) => [name, 5] as const);
    this.graph = graph;
    this.parameters = randomParameters(graph, seed);
    this.sizes = { ...Object.fromEntries(others), ...sizes };
    this.inputs = { ...randomInputs(graph, this.sizes, seed), ...inputs };
    this.#symbol = symbol;
  }

  /** The outputs of the graph for the first positions of the text. */
  whole(length: number): Tensors {
    const known = this.#whole.get(length);
    if (known !== undefined) return known;
    const outputs = interpret(this.graph, {
      inputs: this.text(0, length, length),
      parameters: this.parameters,
    });
    this.#whole.set(length, outputs);
    return outputs;
  }

  /** The inputs for some positions: of a mask of pairs, their rows and all columns so far. */
  text(start: number, count: number, length = start + count): Tensors {
    return Object.fromEntries(
      this.graph.inputs.map(({ name, value }) => {
        const axes = value.type.shape.flatMap((size, axis) => (size.key === this.#symbol ? [axis] : []));
        const cut = axes.reduceRight((tensor, axis, index) => {
          const isKeys = index === 1;
          return rowsOf(tensor, axis, isKeys ? 0 : start, isKeys ? length : count);
        }, this.inputs[name]!);
        return [name, cut];
      }),
    );
  }

  /** What a part must give of an output after some positions: the rows of the new ones, or the newest row. */
  expected(name: string, start: number, { part, count }: Chunk): HostTensor {
    const { type } = this.graph.outputs.find((output) => output.name === name)!.value;
    const axis = type.shape.findIndex((size) => size.key === this.#symbol);
    if (axis < 0) return this.whole(start + count)[name]!;
    const rows = part === "append" ? 1 : count;
    return rowsOf(this.whole(this.sizes[this.#symbol]!)[name]!, axis, start + count - rows, rows);
  }
}

/** By how much the numbers of a derived program differ from those of the whole graph, run in chunks; NaN counts as ∞. */
export function decodedDifference(
  reference: Reference,
  decoding: Decoding,
  runs: readonly Chunk[],
  capacity: number,
): number {
  const decoder = new Decoder(decoding, reference.parameters, {
    ...reference.sizes,
    [decoding.dims.capacity]: capacity,
  });
  decoder.encode(reference.inputs);
  return readChunks(reference, decoder, runs);
}

/** The same from where a decoder stands. */
export function readChunks(reference: Reference, decoder: Decoder, runs: readonly Chunk[]): number {
  let worst = 0;
  for (const chunk of runs) {
    const start = decoder.past;
    const found = decoder.run(chunk, reference.text(start, chunk.count));
    for (const [name, tensor] of Object.entries(found))
      worst = Math.max(worst, difference(tensor, reference.expected(name, start, chunk)));
  }
  return worst;
}

/** The largest difference of two tensors, relative to numbers above 1; shapes that differ are ∞ apart. */
export function difference(found: HostTensor, expected: HostTensor): number {
  if (found.shape.join() !== expected.shape.join()) return Infinity;
  let worst = 0;
  for (let i = 0; i < expected.data.length; i++) {
    const [a, b] = [found.data[i]!, expected.data[i]!];
    if (Object.is(a, b) || a === b) continue;
    const apart = Math.abs(a - b) / Math.max(1, Math.abs(b));
    worst = Math.max(worst, Number.isNaN(apart) ? Infinity : apart);
  }
  return worst;
}
