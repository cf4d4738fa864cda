import type { Decoding } from "../../src/incremental/program.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { HostTensor } from "../../src/tensor/host.ts";
import { Decoder, difference, rowsOf, type Chunk, type Reference, type Tensors } from "./decoded.ts";

/** A batch of texts that end together and begin at places of their own, and what the whole graph makes of each alone. */
export class Ragged {
  readonly reference: Reference;
  readonly begins: readonly number[];
  readonly #symbol: string;
  readonly #alone = new Map<string, Tensors>();

  /** The texts are the ends of those of a reference, whose beginnings stand before them as padding. */
  constructor(reference: Reference, begins: readonly number[], symbol = "T") {
    this.reference = reference;
    this.begins = begins;
    this.#symbol = symbol;
  }

  /** i32[B], as a program takes it. */
  get beginTensor(): HostTensor {
    return { dtype: "i32", shape: [this.begins.length], data: Float64Array.from(this.begins) };
  }

  /** The outputs of the graph for a text alone, up to some position of the batch. */
  #of(item: number, length: number): Tensors {
    const key = `${item} ${length}`;
    const known = this.#alone.get(key);
    if (known !== undefined) return known;
    const { graph, inputs, parameters } = this.reference;
    const begin = this.begins[item]!;
    const own = graph.inputs.map(({ name, value }) => {
      const cut = value.type.shape.reduce(
        (tensor, { key: size }, axis) =>
          size === "B"
            ? rowsOf(tensor, axis, item, 1)
            : size === this.#symbol
              ? rowsOf(tensor, axis, begin, length - begin)
              : tensor,
        inputs[name]!,
      );
      return [name, cut] as const;
    });
    const outputs = interpret(graph, { inputs: Object.fromEntries(own), parameters });
    this.#alone.set(key, outputs);
    return outputs;
  }

  /** The largest difference of what a part gave from what each text alone gives, where it has begun. */
  difference(found: Tensors, start: number, { part, count }: Chunk): number {
    const end = start + count;
    const first = part === "append" ? end - 1 : start;
    let worst = 0;
    for (const [name, tensor] of Object.entries(found))
      for (const [item, begin] of this.begins.entries()) {
        if (end <= begin) continue;
        const { shape } = this.reference.graph.outputs.find((output) => output.name === name)!.value.type;
        const [batch, axis] = ["B", this.#symbol].map((size) => shape.findIndex(({ key }) => key === size));
        const own = rowsOf(tensor, batch!, item, 1);
        if (axis! < 0) {
          worst = Math.max(worst, difference(own, this.#of(item, end)[name]!));
          continue;
        }
        const from = Math.max(first, begin);
        const expected = this.#of(item, this.reference.sizes[this.#symbol]!)[name]!;
        worst = Math.max(
          worst,
          difference(
            rowsOf(own, axis!, from - first, end - from),
            rowsOf(expected, axis!, from - begin, end - from),
          ),
        );
      }
    return worst;
  }
}

/** By how much the texts of a batch differ from each alone, read in chunks by a program of the interpreter. */
export function raggedDifference(
  texts: Ragged,
  decoding: Decoding,
  runs: readonly Chunk[],
  capacity: number,
): number {
  const { reference } = texts;
  const decoder = new Decoder(decoding, reference.parameters, {
    ...reference.sizes,
    [decoding.dims.capacity]: capacity,
  });
  decoder.encode({ ...reference.inputs, [decoding.begins!]: texts.beginTensor });
  let worst = 0;
  for (const chunk of runs) {
    const start = decoder.past;
    const found = decoder.run(chunk, reference.text(start, chunk.count));
    worst = Math.max(worst, texts.difference(found, start, chunk));
  }
  return worst;
}
