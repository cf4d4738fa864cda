import type { Graph, Node, Parameter, Value } from "../ir/graph.ts";
import { rollGraph } from "../ir/roll/roll.ts";
import { isLoop } from "../ir/roll/rolled.ts";
import { constantDim } from "../tensor/dim.ts";
import { elementsOf } from "../tensor/type.ts";
import { planSharding, type EdgeSharding, type ShardedSize } from "./plan.ts";
import { sharesPositions } from "./positions.ts";
import { planTables, type TableRole } from "./tables.ts";

/** So many devices, of which `tensor` at a time share layers out; the others have rows of the batch of their own. */
export interface Mesh {
  readonly devices: number;
  readonly tensor: number;
}

/** What devices have of a model: parameters by tensor parallelism and FSDP, values by columns, heads or positions. */
export class Layout {
  readonly graph: Graph;
  readonly mesh: Mesh;
  readonly plans: readonly EdgeSharding[];
  readonly tables: ReadonlyMap<string, TableRole>;
  /** The repeats that are gathered one iteration after the other. */
  readonly repeats: readonly string[];
  /** Those whose stream is shared out by positions. */
  readonly apart: ReadonlySet<string>;
  readonly #shared: ReadonlySet<Value>;
  readonly #partial: ReadonlySet<Value>;
  readonly #cut = new Set<string>();

  constructor(graph: Graph, mesh: Mesh) {
    this.graph = graph;
    this.mesh = mesh;
    const isSharing = mesh.tensor > 1;
    this.plans = isSharing ? planSharding(graph) : [];
    this.tables = isSharing ? planTables(graph) : new Map();
    const { parts } = rollGraph(graph, {
      isVariable: (node, attribute) => node.op === "attend" && attribute === "window",
    });
    const loops = parts.filter(isLoop).filter(({ shared }) => !shared);
    this.repeats = loops.map(({ label }) => label);
    this.apart = new Set(
      loops.flatMap((loop) => (isSharing && sharesPositions(loop, this.plans) ? [loop.label] : [])),
    );
    this.#shared = new Set(this.plans.flatMap(({ shared }) => [...shared]));
    this.#partial = new Set(this.plans.flatMap(({ partial }) => [...partial]));
    for (const [name, role] of [...this.plans.flatMap(({ roles }) => [...roles]), ...this.tables]) {
      if (role === "norm" || role === "out" || role === "heads") continue;
      this.#cut.add(`${name}.weight`);
      if (role !== "rows") this.#cut.add(`${name}.bias`);
    }
  }

  /** Groups of devices that have rows of their own. */
  get data(): number {
    return this.mesh.devices / this.mesh.tensor;
  }

  /** What does not divide by the devices that share layers out. */
  get odd(): readonly ShardedSize[] {
    const sizes = this.plans.flatMap((plan) => plan.sizes);
    const odd = sizes.filter(({ size }) => size % this.mesh.tensor !== 0);
    return [...new Map(odd.map((each) => [`${each.size} ${each.what}`, each])).values()];
  }

  /** Elements of a parameter on the device that has most of it, before FSDP cuts them. */
  elements({ name, value }: Parameter): number {
    const all = constantDim(elementsOf(value.type))!;
    if (!this.#cut.has(name)) return all;
    const rows = constantDim(value.type.shape[0]!)!;
    const isTable = this.tables.has(name.replace(/\.(weight|bias)$/, ""));
    return isTable ? Math.ceil(rows / this.mesh.tensor) * (all / rows) : all / this.mesh.tensor;
  }

  /** The iteration that a parameter is gathered with: `model.layers.3`, empty for what is gathered with the model. */
  blockOf({ name }: Parameter): string {
    const repeat = this.repeats.find((label) => name.startsWith(`${label}.`));
    return repeat === undefined ? "" : `${repeat}.${name.slice(repeat.length + 1).split(".")[0]!}`;
  }

  /** How many devices share a value that a node makes. */
  sharers(value: Value, maker: Node): number {
    if (this.#shared.has(value)) return this.mesh.tensor;
    const isApart = maker.origin.scope[0] !== undefined && this.apart.has(maker.origin.scope[0].label);
    const isJoin = maker.origin.edges.some(({ role }) => role === "join");
    return isApart && (isJoin || this.#partial.has(value)) ? this.mesh.tensor : 1;
  }
}
