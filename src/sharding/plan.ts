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
  weight: "its weight is read elsewhere too, or is made of others",
  outside: "what it makes is read outside of the branch, too",
} as const;

export type ShardingRefusal = keyof typeof shardingRefusals;

/**
 * What a layer is to the devices: its columns or its rows are shared out among them, or a norm is whole on each: before the branch,
 * of each head inside of it, or at its end.
 */
export type ShardingRole = "norm" | "columns" | "heads" | "rows" | "out";

/** A number that must divide by the devices. */
export interface ShardedSize {
  readonly what: string;
  readonly size: number;
}

export interface EdgeSharding {
  readonly edge: Edge;
  /**
   * By the layers' names, those of their parameters without the last part, in the order in which they run. Empty if the branch is
   * made whole.
   */
  readonly roles: ReadonlyMap<string, ShardingRole>;
  /** The axis of the heads in what a norm of each head reads. */
  readonly axes: ReadonlyMap<string, number>;
  /** What stands between the stream and the join, the norm before the branch too. */
  readonly branch: ReadonlySet<Node>;
  /** Values that each device has a part of, by columns or heads. */
  readonly shared: ReadonlySet<Value>;
  /** What the branch leaves, which the devices add up. */
  readonly partial: ReadonlySet<Value>;
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
  const parameters = new Map(graph.parameters.map(({ value, name }) => [value, name]));
  const readers = readersOf(graph);
  return graph.edges.map((edge, at) => {
    const join = joins.get(at);
    if (join === undefined) return whole(edge, { reason: "branch", by: "" });
    return new BranchPlan({ graph, producers, parameters, readers }, edge, at, join).plan();
  });
}

const whole = (edge: Edge, refused: NonNullable<EdgeSharding["refused"]>): EdgeSharding => ({
  edge,
  roles: new Map(),
  axes: new Map(),
  branch: new Set(),
  shared: new Set(),
  partial: new Set(),
  sizes: [],
  refused,
});

function readersOf(graph: Graph): Surroundings["readers"] {
  const readers = new Map<Value, (Node | undefined)[]>();
  const add = (value: Value, reader: Node | undefined): void => {
    const known = readers.get(value);
    if (known === undefined) readers.set(value, [reader]);
    else known.push(reader);
  };
  for (const node of graph.nodes) for (const value of operandValues(node)) add(value, node);
  for (const { value } of graph.outputs) add(value, undefined);
  return readers;
}

/** What devices have of a value: all of it, a part along the axis of columns or heads, or a sum that is to be added up. */
type Part = "whole" | "partial" | { readonly axis: number };

interface Surroundings {
  readonly graph: Graph;
  readonly producers: ReadonlyMap<Value, Node>;
  /** Their names. */
  readonly parameters: ReadonlyMap<Value, string>;
  /** The nodes that read a value, twice if twice; undefined for the model's caller. */
  readonly readers: ReadonlyMap<Value, readonly (Node | undefined)[]>;
}

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
  readonly #around: Surroundings;
  readonly #edge: Edge;
  readonly #at: number;
  readonly #join: NodeOf<"residual">;
  readonly #parts = new Map<Value, Part>();
  readonly #roles = new Map<string, ShardingRole>();
  readonly #axes = new Map<string, number>();
  readonly #sizes: ShardedSize[] = [];

  constructor(around: Surroundings, edge: Edge, at: number, join: NodeOf<"residual">) {
    this.#around = around;
    this.#edge = edge;
    this.#at = at;
    this.#join = join;
  }

  plan(): EdgeSharding {
    const edge = this.#edge;
    try {
      const branch = this.#branch();
      this.#walk(branch);
      const values = (is: (part: Part) => boolean): ReadonlySet<Value> =>
        new Set([...this.#parts].flatMap(([value, part]) => (is(part) ? [value] : [])));
      return {
        edge,
        roles: this.#roles,
        axes: this.#axes,
        branch: new Set(branch),
        shared: values(isSharded),
        partial: values((part) => part === "partial"),
        sizes: this.#sizes,
        refused: undefined,
      };
    } catch (error) {
      if (!(error instanceof Misfit)) throw error;
      const { reason, node } = error;
      const by =
        node === undefined ? "" : `${node.op}${node.origin.label === "" ? "" : ` of ${node.origin.label}`}`;
      return whole(edge, { reason, by });
    }
  }

  #walk(branch: readonly Node[]): void {
    for (const node of branch) {
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
    this.#requireInside(branch);
  }

  /** What is not whole on each device is nobody else's. */
  #requireInside(branch: readonly Node[]): void {
    const readers: ReadonlySet<Node | undefined> = new Set([...branch, this.#join]);
    for (const node of branch)
      for (const value of node.results) {
        const isWhole = (this.#parts.get(value) ?? "whole") === "whole";
        const isInside = (this.#around.readers.get(value) ?? []).every((reader) => readers.has(reader));
        if (!isWhole && !isInside) throw new Misfit("outside", node);
      }
  }

  /** The nodes between the stream and the join, in the order of the graph. */
  #branch(): readonly Node[] {
    const { source, branches } = this.#join.operands;
    const found = new Set<Node>();
    const waiting = [...branches];
    this.#parts.set(source, "whole");
    for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
      const node = this.#around.producers.get(value);
      if (node === undefined || value === source || found.has(node) || node.op === "residual") continue;
      found.add(node);
      if (!this.#isNorm(node, "pre")) append(waiting, operandValues(node));
    }
    return this.#around.graph.nodes.filter((node) => found.has(node));
  }

  #isNorm({ origin }: Node, role: "pre" | "out"): boolean {
    return origin.edges.some((part) => part.edge === this.#at && part.role === role);
  }

  #note(node: Node, role: ShardingRole): string {
    const name = this.#nameOf(node);
    if (name !== "") this.#roles.set(name, role);
    return name;
  }

  /** As the parameter that it owns has it, else its label. */
  #nameOf(node: Node): string {
    const weight = "weight" in node.operands ? node.operands.weight : undefined;
    const name = weight === undefined ? undefined : this.#around.parameters.get(weight);
    return name?.endsWith(".weight") === true ? name.slice(0, -".weight".length) : node.origin.label;
  }

  #after(node: Node, read: readonly Part[]): Part {
    // At the end of the branch the sum is scattered over positions, each whole there.
    if (read.every((part) => part === "partial")) {
      const isOut = this.#isNorm(node, "out");
      if (isOut) this.#note(node, "out");
      if (isOut || node.op === "dropout" || node.op === "add" || this.#isScaling(node)) return "partial";
      throw new Misfit("order", node);
    }
    if (read.includes("partial")) throw new Misfit("order", node);
    const sharded = read.find(isSharded);
    if (node.op === "linear") return this.#product(node, sharded);
    if (sharded === undefined) {
      if (
        hasTrait(node.op, "row_norm") ||
        isScalarName(node.op) ||
        node.op === "dropout" ||
        node.op === "cast"
      )
        return "whole";
      throw new Misfit("branch", node);
    }
    return this.#between(node, sharded, read);
  }

  #product(node: NodeOf<"linear">, sharded: { readonly axis: number } | undefined): Part {
    const { x, weight } = node.operands;
    if (!this.#around.parameters.has(weight) || this.#around.readers.get(weight)?.length !== 1)
      throw new Misfit("weight", node);
    if (sharded !== undefined) {
      if (sharded.axis !== x.type.shape.length - 1) throw new Misfit("op", node);
      this.#note(node, "rows");
      return "partial";
    }
    const name = this.#note(node, "columns");
    const { shape } = node.results[0]!.type;
    this.#size(`columns of ${last(name)}`, constantDim(shape.at(-1)!));
    return { axis: shape.length - 1 };
  }

  /** Ops that keep columns and heads apart. */
  #between(node: Node, sharded: { readonly axis: number }, read: readonly Part[]): Part {
    const { axis } = sharded;
    const [result] = node.results as [Value];
    if (node.op === "slice") throw new Misfit("slice", node);
    if (read.some((part) => part !== "whole" && part !== "partial" && part.axis !== axis))
      throw new Misfit("op", node);
    if (node.op === "attend") return this.#attention(node, axis, read);
    if (hasTrait(node.op, "row_norm")) {
      // A norm of each head has its row whole.
      if (axis === result.type.shape.length - 1) throw new Misfit("norm", node);
      const name = this.#note(node, "heads");
      const own = operandValues(node).filter((value) => this.#around.parameters.has(value));
      if (own.some((value) => !this.#around.parameters.get(value)!.startsWith(`${name}.`)))
        throw new Misfit("weight", node);
      this.#axes.set(name, axis);
      return sharded;
    }
    if (node.op === "permute") return { axis: node.attrs.axes.indexOf(axis) };
    if (node.op === "reshape") return { axis: this.#reshaped(node, axis) };
    const keeps =
      ["rope", "dropout", "cast"].includes(node.op) || (isScalarName(node.op) && this.#isApart(node));
    if (!keeps) throw new Misfit("op", node);
    return sharded;
  }

  #attention(node: NodeOf<"attend">, axis: number, read: readonly Part[]): Part {
    const { q, k, bias, mask } = node.operands;
    const heads = node.attrs.layout === "heads_first" ? 1 : 2;
    const isOfHeads =
      mask !== undefined && mask.type.shape.length === 4 && constantDim(mask.type.shape[1]!) !== 1;
    if (node.attrs.alibi || bias !== undefined || isOfHeads || read.length < 3 || axis !== heads)
      throw new Misfit("op", node);
    this.#size("heads", constantDim(q.type.shape[heads]!));
    this.#size("key heads", constantDim(k.type.shape[heads]!));
    return { axis };
  }

  /** Columns become heads, or heads columns: the axis afterwards. */
  #reshaped(node: NodeOf<"reshape">, axis: number): number {
    const { shape: from } = node.operands.x.type;
    const { shape: to } = node.attrs;
    const [short, long] = from.length < to.length ? [from, to] : [to, from];
    const heads = short.length - 1;
    const isAlike =
      long.length === short.length + 1 && short.slice(0, -1).every((size, at) => sameDim(size, long[at]));
    if (!isAlike || axis !== heads) throw new Misfit("op", node);
    return heads;
  }

  /** Its other operands are numbers. */
  #isApart(node: Node): boolean {
    return operandValues(node).every(
      (value) =>
        isSharded(this.#parts.get(value)) || value.type.shape.every((size) => constantDim(size) === 1),
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

const isSharded = (part: Part | undefined): part is { readonly axis: number } => typeof part === "object";

const last = (name: string): string => name.split(".").at(-1)!;
