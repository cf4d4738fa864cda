import type { Graph, Node, Value } from "../ir/graph.ts";
import { operandValues } from "../ir/node.ts";

/** Who makes and who reads each value of a graph: one walk, then look-ups. */
export class Uses {
  readonly #producers = new Map<Value, Node>();
  readonly #readers = new Map<Value, Node[]>();
  readonly #outputs: ReadonlySet<Value>;

  constructor(graph: Graph) {
    this.#outputs = new Set(graph.outputs.map((output) => output.value));
    for (const node of graph.nodes) {
      for (const value of node.results) this.#producers.set(value, node);
      for (const value of new Set(operandValues(node))) {
        const readers = this.#readers.get(value);
        if (readers === undefined) this.#readers.set(value, [node]);
        else readers.push(node);
      }
    }
  }

  /** The node that makes a value; undefined for inputs and parameters. */
  producer(value: Value): Node | undefined {
    return this.#producers.get(value);
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
