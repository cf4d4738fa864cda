import { expect } from "vitest";
import type { EmittedTensors } from "../../src/emit/emitted.ts";
import type { Decoding } from "../../src/incremental/program.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { AnySession, SessionModel } from "../../src/run/sessions.ts";
import { difference, Reference, type Tensors } from "./decoded.ts";
import { decoders, texts } from "./decoders.ts";
import { exampleGraph, graphOf } from "./models.ts";

/** Rounding of f32 through a few layers, of numbers near 1. */
const TOLERANCE = 1e-5;

/** Every example that decodes, and models of the kinds that families have. */
export const causalGraphs: readonly (readonly [string, () => Graph])[] = [
  ...decoders.map(
    ([name, settings]) =>
      [`${name} ${JSON.stringify(settings)}`, () => exampleGraph(name, settings)] as const,
  ),
  ...Object.entries(texts).map(([name, text]) => [name, () => graphOf(text)] as const),
];

/** A model in a session, each of whose answers is held against what the whole graph makes in float64. */
class Reading {
  readonly #reference: Reference;
  readonly #session: AnySession;
  readonly #inputs: ReadonlySet<string>;
  /** The texts of the batch by the rows of the session. */
  #rows: readonly number[] = [0, 1];

  constructor(reference: Reference, decoding: Decoding, session: AnySession) {
    this.#reference = reference;
    this.#session = session;
    this.#inputs = new Set(decoding.program.parts["append"]!.inputs.map(({ name }) => name));
  }

  /** Reads so many more positions. */
  async read(part: "append" | "all", count: number): Promise<void> {
    const start = this.#session.length;
    const given = Object.entries(this.#reference.text(start, count))
      .filter(([name]) => this.#inputs.has(name))
      .map(([name, tensor]) => [name, chosen(tensor, this.#rows)] as const);
    const inputs: EmittedTensors = Object.fromEntries(given);
    const found = await (part === "append" ? this.#session.append(inputs) : this.#session.appendAll(inputs));
    for (const [name, { data, shape }] of Object.entries(found)) {
      const expected = chosen(this.#reference.expected(name, start, { part, count }), this.#rows);
      expect(
        difference({ ...expected, shape: [...shape], data: Float64Array.from(data) }, expected),
      ).toBeLessThan(TOLERANCE);
    }
  }

  async select(rows: readonly number[]): Promise<void> {
    await this.#session.select(rows);
    this.#rows = rows.map((row) => this.#rows[row]!);
  }
}

/** Some texts of a batch of two. */
function chosen(tensor: Tensors[string], rows: readonly number[]): Tensors[string] {
  const size = tensor.data.length / 2;
  return {
    ...tensor,
    shape: [rows.length, ...tensor.shape.slice(1)],
    data: Float64Array.from(rows.flatMap((row) => [...tensor.data.slice(row * size, (row + 1) * size)])),
  };
}

/** A session reads a text in chunks, goes back, is forked, and takes other texts of its batch. */
export async function readInPieces(
  model: SessionModel,
  decoding: Decoding,
  reference: Reference,
): Promise<void> {
  const encoded = decoding.program.parts["encode"]?.inputs ?? [];
  const session = await model.session({
    batch: 2,
    capacity: 14,
    chunk: 4,
    inputs: Object.fromEntries(encoded.map(({ name }) => [name, reference.inputs[name]!])),
  });
  const reading = new Reading(reference, decoding, session);
  await reading.read("append", 7);
  await reading.read("append", 1);
  await reading.read("all", 4);
  await session.truncate(9);
  await reading.read("append", 1);
  const fork = await session.fork();
  await reading.read("all", 4);
  const other = new Reading(reference, decoding, fork);
  await other.read("append", 2);
  await session.truncate(5);
  await reading.select([1, 0, 1]);
  await reading.read("append", 5);
  await reading.read("all", 1);
  session.dispose();
  fork.dispose();
  model.close();
}
