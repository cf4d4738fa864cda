import type { Edge, Graph, Node, NodeOf, Value } from "../ir/graph.ts";
import { operandValues } from "../ir/node.ts";
import { append } from "../support/lists.ts";
import { isScalarName } from "../ops/scalar.ts";
import { hasTrait } from "../ops/table.ts";
import { constantDim, sameDim } from "../tensor/dim.ts";

/** Why the branch of an edge is made whole on each device; each with a sentence. */
export const shardingRefusals = {
  slice: "it takes a part of columns that lie on several devices",
  norm: "its statistics are of a row whose columns lie on several devices",
  op: "it reads columns that other devices have",
  product: "no product ends the branch, whose sum could be scattered",
  branch: "no product reads the stream",
  order: "it reads a sum that is not added up yet",
} as const;

export type ShardingRefusal = keyof typeof shardingRefusals;

/** What a parameter is to the devices: a part of the columns or of the rows each, or all of it. */
export type ShardingRole = "norm" | "columns" | "rows";

/** A number that must divide by the devices. */
export interface ShardedSize {
  readonly what: string;
  readonly size: number;
}

export interface EdgeSharding {
  readonly edge: Edge;
  /** By the layers' labels, in the order in which they run. Empty if the branch is made whole. */
  readonly roles: ReadonlyMap<string, ShardingRole>;
  readonly sizes: readonly ShardedSize[];
  readonly refused: { readonly reason: ShardingRefusal; readonly by: string } | undefined;
}

/**
 * How the branch of each residual edge can be shared out among devices (Shoeybi et al. 2019, Megatron-LM): the products that read
 * the stream have a part of their columns each, what follows works on those alone, and the product that ends the branch has a part
 * of its rows, which leaves sums to be added up at the join. Linear in the nodes of the branches.
 */
export function planSharding(graph: Graph): readonly EdgeSharding[] {
  const producers = new Map(
    graph.nodes.flatMap((node) => node.results.map((value) => [value, node] as const)),
  );
  const joins = new Map(
    graph.nodes.flatMap((node) => (node.op === "residual" ? [[node.attrs.edge, node] as const] : [])),
  );
  return graph.edges.map((edge, at) => {
    const join = joins.get(at);
    const nothing = { edge, roles: new Map(), sizes: [], refused: { reason: "branch", by: "" } } as const;
    return join === undefined ? nothing : new BranchPlan(graph, edge, at, join, producers).plan();
  });
}

/** What devices have of a value: all of it, some of its columns or heads, or a sum that is to be added up. */
type Part = "whole" | "sharded" | "partial";

class Misfit extends Error {
  readonly reason: ShardingRefusal;
  readonly node: Node | undefined;

  constructor(reason: ShardingRefusal, node?: Node) {
    super(reason);
    this.reason = reason;
    this.node = node;
  }
}

class BranchPlan {
  readonly #graph: Graph;
  readonly #edge: Edge;
  readonly #at: number;
  readonly #join: NodeOf<"residual">;
  readonly #producers: ReadonlyMap<Value, Node>;
  readonly #parts = new Map<Value, Part>();
  readonly #roles = new Map<string, ShardingRole>();
  readonly #sizes: ShardedSize[] = [];

  constructor(
    graph: Graph,
    edge: Edge,
    at: number,
    join: NodeOf<"residual">,
    producers: ReadonlyMap<Value, Node>,
  ) {
    this.#graph = graph;
    this.#edge = edge;
    this.#at = at;
    this.#join = join;
    this.#producers = producers;
  }

  plan(): EdgeSharding {
    const edge = this.#edge;
    try {
      this.#walk();
      return { edge, roles: this.#roles, sizes: this.#sizes, refused: undefined };
    } catch (error) {
      if (!(error instanceof Misfit)) throw error;
      const { reason, node } = error;
      const by =
        node === undefined ? "" : `${node.op}${node.origin.label === "" ? "" : ` of ${node.origin.label}`}`;
      return { edge, roles: new Map(), sizes: [], refused: { reason, by } };
    }
  }

  #walk(): void {
    const nodes = this.#branch();
    for (const node of nodes) {
      if (this.#isNorm(node, "pre")) {
        this.#parts.set(node.results[0]!, "whole");
        this.#note(node, "norm");
        continue;
      }
      const read = operandValues(node).flatMap((value) => this.#parts.get(value) ?? []);
      if (read.length === 0) continue;
      const part = this.#after(node, read);
      for (const value of node.results) this.#parts.set(value, part);
    }
    if (![...this.#roles.values()].includes("columns")) throw new Misfit("branch");
    if (this.#join.operands.branches.some((value) => this.#parts.get(value) !== "partial"))
      throw new Misfit("product");
  }

  /** The nodes between the stream and the join, in the order of the graph. */
  #branch(): readonly Node[] {
    const { source, branches } = this.#join.operands;
    const found = new Set<Node>();
    const waiting = [...branches];
    this.#parts.set(source, "whole");
    for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
      const node = this.#producers.get(value);
      if (node === undefined || value === source || found.has(node) || node.op === "residual") continue;
      found.add(node);
      if (!this.#isNorm(node, "pre")) append(waiting, operandValues(node));
    }
    return this.#graph.nodes.filter((node) => found.has(node));
  }

  #isNorm({ origin }: Node, role: "pre" | "out"): boolean {
    return origin.edges.some((part) => part.edge === this.#at && part.role === role);
  }

  #note(node: Node, role: ShardingRole): void {
    if (node.origin.label !== "") this.#roles.set(node.origin.label, role);
  }

  #after(node: Node, read: readonly Part[]): Part {
    // At the end of the branch the sum is scattered over positions, each whole there.
    if (read.every((part) => part === "partial")) {
      const isOut = this.#isNorm(node, "out");
      if (isOut) this.#note(node, "norm");
      if (isOut || node.op === "dropout" || node.op === "add" || this.#isScaling(node)) return "partial";
      throw new Misfit("order", node);
    }
    if (read.includes("partial")) throw new Misfit("order", node);
    const isSharded = read.includes("sharded");
    if (node.op === "linear") return this.#product(node, isSharded);
    if (!isSharded) {
      if (
        hasTrait(node.op, "row_norm") ||
        isScalarName(node.op) ||
        node.op === "dropout" ||
        node.op === "cast"
      )
        return "whole";
      throw new Misfit("branch", node);
    }
    return this.#between(node, read);
  }

  #product(node: NodeOf<"linear">, isSharded: boolean): Part {
    this.#note(node, isSharded ? "rows" : "columns");
    if (isSharded) return "partial";
    this.#size(`columns of ${last(node.origin.label)}`, constantDim(node.results[0]!.type.shape.at(-1)!));
    return "sharded";
  }

  /** Ops that keep columns and heads apart. */
  #between(node: Node, read: readonly Part[]): Part {
    const [result] = node.results as [Value];
    if (node.op === "slice") throw new Misfit("slice", node);
    if (node.op === "attend") {
      const heads = node.attrs.layout === "heads_first" ? 1 : 2;
      const misfit = node.attrs.alibi || node.operands.bias !== undefined || read.length < 3;
      if (misfit) throw new Misfit("op", node);
      this.#size("heads", constantDim(node.operands.q.type.shape[heads]!));
      this.#size("key heads", constantDim(node.operands.k.type.shape[heads]!));
      return "sharded";
    }
    if (hasTrait(node.op, "row_norm")) {
      // A norm of each head has its row whole.
      if (result.type.shape.length < 4) throw new Misfit("norm", node);
      return "sharded";
    }
    const keeps =
      ["rope", "dropout", "cast", "permute"].includes(node.op) ||
      (node.op === "reshape" && keepsColumns(node)) ||
      (isScalarName(node.op) && this.#isApart(node));
    if (!keeps) throw new Misfit("op", node);
    return "sharded";
  }

  /** Its other operands are numbers. */
  #isApart(node: Node): boolean {
    return operandValues(node).every(
      (value) =>
        this.#parts.get(value) === "sharded" || value.type.shape.every((size) => constantDim(size) === 1),
    );
  }

  #isScaling(node: Node): boolean {
    return (
      (node.op === "mul" || node.op === "div") &&
      operandValues(node).some((value) => value.type.shape.every((size) => constantDim(size) === 1))
    );
  }

  #size(what: string, size: number | undefined): void {
    if (size !== undefined && !this.#sizes.some((each) => each.what === what && each.size === size))
      this.#sizes.push({ what, size });
  }
}

const last = (label: string): string => label.split(".").at(-1)!;

/** Columns become heads, or heads columns. */
function keepsColumns({ operands: { x }, attrs: { shape } }: NodeOf<"reshape">): boolean {
  const [short, long] = x.type.shape.length < shape.length ? [x.type.shape, shape] : [shape, x.type.shape];
  return long.length === short.length + 1 && short.slice(0, -1).every((size, at) => sameDim(size, long[at]));
}
