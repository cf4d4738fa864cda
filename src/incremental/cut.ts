import { invariant } from "../support/invariant.ts";

/** A network whose cheapest cut is looked for: places by number, and edges that cost something to cut. */
export class Network {
  readonly #edges: { readonly to: number; rest: number }[] = [];
  readonly #from: number[][] = [];

  place(): number {
    return this.#from.push([]) - 1;
  }

  edge(from: number, to: number, cost: number): void {
    this.#from[from]!.push(this.#edges.push({ to, rest: cost }) - 1);
    this.#from[to]!.push(this.#edges.push({ to: from, rest: 0 }) - 1);
  }

  /**
   * The places on the side of the source when the cheapest edges are cut that part it from the sink: those that are still
   * reached when as much flows as can (Edmonds and Karp 1972).
   */
  sideOf(source: number, sink: number): ReadonlySet<number> {
    for (;;) {
      const into = this.#reached(source, sink);
      if (!into.has(sink)) return new Set(into.keys());
      const path: number[] = [];
      for (let at = sink; at !== source; at = this.#edges[into.get(at)! ^ 1]!.to) path.push(into.get(at)!);
      const flow = path.reduce((least, edge) => Math.min(least, this.#edges[edge]!.rest), Infinity);
      invariant(flow < Infinity, "there is a way that no edge can part");
      for (const edge of path) {
        this.#edges[edge]!.rest -= flow;
        this.#edges[edge ^ 1]!.rest += flow;
      }
    }
  }

  /** The places that something can still flow to, each with the edge that it was reached by first. */
  #reached(source: number, sink: number): Map<number, number> {
    const into = new Map([[source, -1]]);
    const queue = [source];
    for (const at of queue) {
      for (const edge of this.#from[at]!) {
        const { to, rest } = this.#edges[edge]!;
        if (rest <= 0 || into.has(to)) continue;
        into.set(to, edge);
        if (to === sink) return into;
        queue.push(to);
      }
    }
    return into;
  }
}
