import type { Graph, Node, Value } from "../ir/graph.ts";
import { outputValues, producersOf, usersOf } from "../ir/walk.ts";

/** Who makes and who reads each value of a graph, for passes that ask at every node. */
export class Uses {
  readonly #producers: ReturnType<typeof producersOf>;
  readonly #readers: ReadonlyMap<Value, readonly Node[]>;
  readonly #outputs: ReadonlySet<Value>;

  constructor(graph: Graph) {
    this.#producers = producersOf(graph);
    this.#readers = new Map([...usersOf(graph)].map(([value, users]) => [value, [...new Set(users)]]));
    this.#outputs = outputValues(graph);
  }

  /** The node that makes a value; undefined for inputs and parameters. */
  producer(value: Value): Node | undefined {
    return this.#producers.get(value)?.node;
  }

  /** Each node that reads a value, once, in order. */
  readers(value: Value): readonly Node[] {
    return this.#readers.get(value) ?? [];
  }

  isOutput(value: Value): boolean {
    return this.#outputs.has(value);
  }

  /** The one node that reads a value, if nothing else does and the value is no output: only then may it disappear. */
  soleReader(value: Value): Node | undefined {
    const readers = this.readers(value);
    return readers.length === 1 && !this.isOutput(value) ? readers[0] : undefined;
  }
}
