import type { Graph, Node, Value } from "../ir/graph.ts";
import { resultValues, usersOf } from "../ir/walk.ts";

/** Who makes and who reads each value of a graph, for passes that ask at every node. */
export class Uses {
  readonly #producers = new Map<Value, Node>();
  /** A node that reads a value in two roles stands there twice. */
  readonly #users: ReadonlyMap<Value, readonly Node[]>;
  readonly #outputs: ReadonlySet<Value>;

  constructor(graph: Graph) {
    for (const node of graph.nodes) for (const value of node.results) this.#producers.set(value, node);
    this.#users = usersOf(graph);
    this.#outputs = resultValues(graph);
  }

  /** The node that makes a value; undefined for inputs and parameters. */
  producer(value: Value): Node | undefined {
    return this.#producers.get(value);
  }

  /** Each node that reads a value, once, in order. */
  readers(value: Value): readonly Node[] {
    return [...new Set(this.#users.get(value))];
  }

  isOutput(value: Value): boolean {
    return this.#outputs.has(value);
  }

  /**
   * The one node that reads a value, be it in several roles, if nothing else does and the value is no output: the value may
   * disappear if each of these roles is given what it becomes.
   */
  soleReader(value: Value): Node | undefined {
    const users = this.#users.get(value) ?? [];
    const [first] = users;
    return !this.isOutput(value) && users.every((user) => user === first) ? first : undefined;
  }

  /** The one node that reads a value in one role only, if nothing else does and the value is no output. */
  soleUse(value: Value): Node | undefined {
    return this.#users.get(value)?.length === 1 ? this.soleReader(value) : undefined;
  }
}
