import type { EdgePart, Graph, Node, NodeOf, Value } from "../ir/graph.ts";
import type { Limits } from "../kernels/target.ts";
import { listWords } from "../support/text.ts";
import { sortNodes } from "../ir/walk.ts";
import { isNorm, loadTimeValues, type RowNorm } from "./facts.ts";
import { makeInPlace, mergeEdges, mergeOrigins, removeDeadNodes } from "./nodes.ts";
import { matchJoin, type Join } from "./norm-fusion/join.ts";
import { affineOf, matchReaders, whyNoNorm, whyNoSum, type Readers } from "./norm-fusion/readers.ts";
import { explainRefusal, refuse, type Refusal } from "./norm-fusion/reasons.ts";
import type { Pass, PassContext, Report } from "./pass.ts";
import { Uses } from "./uses.ts";

/**
 * norm(add(x, f))  =>  add_norm(x, [f]), which also returns the sum if anything else reads it. The join is read with its
 * gains, bias, out-norm and branches; see `norm-fusion/join.ts`.
 */
export const fuseAddNorm: Pass = {
  name: "fuse-add-norm",
  doc: "makes one kernel of a residual edge's add and the norms that read it; the sum is kept for other readers",
  run: (graph, context) => new Fusion(graph, context).run(),
};

const kinds = { layer_norm: "layer", rms_norm: "rms", l2_norm: "l2" } as const;

class Fusion {
  readonly #graph: Graph;
  readonly #report: Report;
  readonly #limits: Limits;
  readonly #uses: Uses;
  readonly #places = new Map<Value, number>();
  readonly #loadTime: ReadonlySet<Value>;
  /** Nodes that a kernel has taken over. */
  readonly #taken = new Set<Node>();
  /** The kernel in the place of an add. */
  readonly #kernels = new Map<Node, Node>();

  constructor(graph: Graph, { report, target }: PassContext) {
    this.#graph = graph;
    this.#report = report;
    this.#limits = target.limits;
    this.#uses = new Uses(graph);
    this.#loadTime = loadTimeValues(graph);
    graph.nodes.forEach((node, place) => node.results.forEach((value) => this.#places.set(value, place)));
  }

  run(): Graph {
    // Backwards, so that the outermost of several adds takes the inner ones as its branches.
    for (const node of this.#graph.nodes.toReversed())
      if (node.op === "add" && !this.#taken.has(node)) this.#fuse(node);
    this.#explainRest();
    if (this.#kernels.size === 0) return this.#graph;
    const nodes = this.#graph.nodes.flatMap((node) => {
      const kernel = this.#kernels.get(node);
      if (kernel !== undefined) return [kernel];
      return this.#taken.has(node) ? [] : [node];
    });
    return removeDeadNodes({ ...this.#graph, nodes: sortNodes(nodes) });
  }

  #fuse(add: NodeOf<"add">): void {
    const sum = add.results[0]!;
    const place = this.#places.get(sum)!;
    // What is known at load cannot be made of the sum, unless the sum is known then too.
    const isLoaded = this.#loadTime.has(sum);
    const isEarly = (value: Value): boolean =>
      (!isLoaded && this.#loadTime.has(value)) || (this.#places.get(value) ?? -1) < place;
    const isTaken = (node: Node): boolean => this.#taken.has(node);
    const readers = matchReaders(sum, this.#uses, { isEarly, isTaken });
    for (const { norm, refusal } of readers.refused) this.#refuse([add, norm], refusal);
    const join = matchJoin(add, this.#uses, this.#limits);
    if ("reason" in join) {
      if (readers.norms.length > 0 || isJoin(add)) this.#refuse([add, ...readers.norms], join);
      return;
    }
    if (readers.norms.length === 0 && join.inner === undefined) {
      if (isJoin(add) && readers.refused.length === 0) this.#refuse([add], whyNoNorm(sum, this.#uses));
      return;
    }
    this.#replace(add, join, readers);
  }

  #replace(add: NodeOf<"add">, join: Join, { norms }: Readers): void {
    const sum = add.results[0]!;
    const isRead = this.#uses.readers(sum).some((node) => !norms.some((norm) => norm === node));
    const keepSum = isRead || this.#uses.isOutput(sum) || norms.length === 0;
    const nodes = [...join.absorbed, ...norms];
    const results = [...norms.map((norm) => norm.results[0]!), ...(keepSum ? [sum] : [])];
    const kernel = makeInPlace(
      "add_norm",
      operandsOf(join, norms),
      attributesOf(join, norms, keepSum),
      originOf(join, norms),
      results,
    );
    for (const node of nodes) this.#taken.add(node);
    this.#kernels.set(add, kernel);
    for (const note of join.notes) this.#refuse(join.absorbed, note);
    const into = describe(join, norms, keepSum);
    this.#report({
      pass: fuseAddNorm.name,
      origin: kernel.origin,
      edges: kernel.origin.edges,
      outcome: { kind: "fused", into },
    });
  }

  /** Says of each edge and each norm of an edge that found no partner why it did not. */
  #explainRest(): void {
    const explained = new Set<number>();
    for (const node of this.#graph.nodes) {
      for (const part of node.origin.edges) explained.add(part.edge);
      const hasRole = node.origin.edges.some(({ role }) => role === "pre" || role === "post");
      if (hasRole && isNorm(node) && !this.#taken.has(node)) {
        const producer = this.#uses.producer(node.operands.x);
        if (producer?.op !== "add") this.#refuse([node], whyNoSum(node, this.#uses));
      }
    }
    this.#graph.edges.forEach((_edge, edge) => {
      if (!explained.has(edge)) this.#refuse([], refuse("unread"), [{ edge, role: "join" }]);
    });
  }

  #refuse(nodes: readonly Node[], refusal: Refusal, edges: readonly EdgePart[] = mergeEdges(nodes)): void {
    const [first] = nodes;
    this.#report({
      pass: fuseAddNorm.name,
      origin: first?.origin ?? { spans: [], label: "", scope: [], edges, fused: [] },
      edges,
      outcome: { kind: "refused", reason: refusal.reason, message: explainRefusal(refusal) },
    });
  }
}

const isJoin = (add: Node): boolean => add.origin.edges.some((part) => part.role === "join");

function operandsOf(join: Join, norms: readonly RowNorm[]): NodeOf<"add_norm">["operands"] {
  const affines = norms.map(affineOf);
  const inner = join.inner && affineOf(join.inner);
  return {
    source: join.source,
    branches: join.branches,
    source_gain: join.sourceGain.tensor,
    branch_gain: join.branchGain.tensor,
    bias: join.bias,
    inner_weight: inner?.weight,
    inner_bias: inner?.bias,
    weights: affines.flatMap(({ weight }) => weight ?? []),
    biases: affines.flatMap(({ bias }) => bias ?? []),
  };
}

function attributesOf(
  join: Join,
  norms: readonly RowNorm[],
  keepSum: boolean,
): Partial<NodeOf<"add_norm">["attrs"]> {
  const [norm] = norms;
  const { inner } = join;
  return {
    source_scale: join.sourceGain.scale,
    branch_scale: join.branchGain.scale,
    order: join.order,
    ...(inner && {
      inner: kinds[inner.op],
      inner_eps: inner.attrs.eps,
      inner_unit_offset: inner.op === "rms_norm" && inner.attrs.unit_offset,
    }),
    norm: norm === undefined ? "none" : kinds[norm.op],
    ...(norm && { eps: norm.attrs.eps }),
    ...(norm?.op === "rms_norm" && { unit_offset: norm.attrs.unit_offset, cast: norm.attrs.cast }),
    affines: norms.map((each) => {
      const { weight, bias } = affineOf(each);
      if (weight === undefined) return bias === undefined ? "none" : "bias";
      return bias === undefined ? "weight" : "weight_bias";
    }),
    keep_sum: keepSum,
  };
}

/** The text of the add, the layer of the norm: that is what a reader looks for. */
const originOf = (join: Join, norms: readonly RowNorm[]): Node["origin"] => {
  const nodes = [...join.absorbed, ...norms];
  const labelled = [...norms, ...(join.inner === undefined ? [] : [join.inner])];
  const label = labelled.find((norm) => norm.origin.label !== "")?.origin.label ?? "";
  return { ...mergeOrigins(nodes), ...(label !== "" && { label }) };
};

/** What the kernel is, for a person: `add_norm (rms of h.0.ln_2; out-norm, 2 branches, keeps the sum)`. */
function describe(join: Join, norms: readonly RowNorm[], keepSum: boolean): string {
  const names = norms.map((norm) => `${kinds[norm.op]}${norm.origin.label && ` of ${norm.origin.label}`}`);
  const parts = [
    ...(join.inner === undefined ? [] : [`${kinds[join.inner.op]} out-norm`]),
    ...(join.branches.length > 1 ? [`${join.branches.length} branches`] : []),
    ...(join.sourceGain.scale !== 1 || join.sourceGain.tensor !== undefined ? ["skip gain"] : []),
    ...(join.branchGain.scale !== 1 || join.branchGain.tensor !== undefined ? ["branch gain"] : []),
    ...(join.bias === undefined ? [] : ["bias"]),
    ...(keepSum ? ["keeps the sum"] : []),
  ];
  const what = [names.length === 0 ? "no norm of the sum" : listWords(names), parts.join(", ")];
  return `add_norm (${what.filter((text) => text !== "").join("; ")})`;
}
