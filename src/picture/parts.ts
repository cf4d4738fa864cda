import type { Edge, EdgeRole, Graph, Node, NodeOf, Value } from "../ir/graph.ts";
import { operandValues } from "../ir/node.ts";
import { shownCall, type Call } from "./calls.ts";
import { covers, spanKey, Surroundings, type Step } from "./surroundings.ts";

/** What a picture shows of a graph as it was lowered: boxes, residual edges, repeats; each where its first node stands. */
export type Part = Layer | Joint | Loop;

/** A box or, where it plays a role in an edge, a pill: all that one call in the text made. */
export interface Layer extends Call {
  readonly kind: "layer";
  /** Equal for what plays the same part in two iterations. */
  readonly key: string;
  readonly nodes: readonly Node[];
}

export type Position = Exclude<EdgeRole, "join">;

/** A residual edge: what stands in its branches, the norms and gains around them, and the add. */
export interface Joint {
  readonly kind: "joint";
  readonly key: string;
  readonly index: number;
  readonly edge: Edge;
  readonly join: NodeOf<"residual">;
  readonly body: readonly Part[];
  readonly roles: Readonly<Record<Position, readonly Layer[]>>;
}

/** Iterations of a repeat that run the same lines, one after another. */
export interface Loop {
  readonly kind: "loop";
  readonly key: string;
  readonly label: string;
  readonly rounds: readonly Round[];
}

/** One iteration. */
export interface Round {
  readonly index: number;
  readonly parts: readonly Part[];
}

/** All nodes of a part. */
export function nodesOf(part: Part): readonly Node[] {
  if (part.kind === "layer") return part.nodes;
  if (part.kind === "loop") return part.rounds.flatMap(({ parts }) => parts.flatMap(nodesOf));
  const { pre, skip, branch, out, post } = part.roles;
  return [
    ...[...pre, ...skip, ...part.body, ...branch, ...out].flatMap(nodesOf),
    part.join,
    ...post.flatMap(nodesOf),
  ];
}

export const resultsOf = (part: Part): readonly Value[] => nodesOf(part).flatMap(({ results }) => results);

/** All parts in some, those in edges and repeats too, each before what it holds. */
export function* everyPart(parts: readonly Part[]): Generator<Part> {
  for (const part of parts) {
    yield part;
    if (part.kind === "loop") for (const { parts: inner } of part.rounds) yield* everyPart(inner);
    if (part.kind === "joint") yield* everyPart([...part.body, ...Object.values(part.roles).flat()]);
  }
}

/**
 * The parts of a lowered graph. A box is the outermost call in the user's text that lies inside its edge; `opened` are labels
 * and names of calls whose inside is shown instead. Blocks that hold residual edges are always open.
 */
export function partsOf(graph: Graph, opened: ReadonlySet<string> = new Set()): readonly Part[] {
  const surroundings = new Surroundings(graph);
  const root = new List("");
  for (const [at, node] of graph.nodes.entries()) {
    let list = root;
    let around: (Step & { readonly kind: "edge" }) | undefined;
    for (const step of surroundings.wayOf(node, at)) {
      if (step.kind === "edge") list = list.joint(step.known).body;
      else list = list.round(step.iteration.label, step.iteration.index);
      around = step.kind === "edge" ? step : undefined;
    }
    const role = node.origin.edges.find(({ edge }) => edge === around?.known.index)?.role;
    if (role === "join") continue;
    const calls = surroundings.callsOf(node.origin, around?.known.edge);
    const call = shownCall(calls, opened);
    // A label with a hole is what was put into it.
    const label = call.label.includes("{") ? (node.origin.label.split(".").at(-1) ?? "") : call.label;
    list.layer({ ...call, label }, role).push(node);
  }
  return root.finish();
}

/** Parts while nodes are put into them. */
class List {
  readonly #path: string;
  readonly #parts: (LayerDraft | JointDraft | LoopDraft)[] = [];
  readonly #layers = new Map<string, LayerDraft>();
  readonly #joints = new Map<number, JointDraft>();
  /** Of a branch what stands around it. */
  readonly #roles = new Map<Position, List>();

  constructor(path: string) {
    this.#path = path;
  }

  layer(call: Call, role?: Position): Node[] {
    if (role !== undefined) {
      const list = this.#roles.get(role) ?? new List(`${this.#path}/${role}`);
      this.#roles.set(role, list);
      return list.layer(call);
    }
    const key = `${this.#path}/${call.span === undefined ? call.name : spanKey(call.span)}`;
    const there = this.#layers.get(key);
    if (there !== undefined) return there.nodes;
    const made: LayerDraft = { kind: "layer", ...call, key, nodes: [] };
    this.#layers.set(key, made);
    this.#parts.push(made);
    return made.nodes;
  }

  joint({ index, edge, join }: Pick<Joint, "index" | "edge" | "join">): JointDraft {
    const there = this.#joints.get(index);
    if (there !== undefined) return there;
    const place = edge.span === undefined ? edge.name : spanKey(edge.span);
    const key = `${this.#path}/${place}`;
    const made: JointDraft = { kind: "joint", key, index, edge, join, body: new List(key) };
    this.#joints.set(index, made);
    this.#parts.push(made);
    return made;
  }

  round(label: string, index: number): List {
    const last = this.#parts.at(-1);
    const key = `${this.#path}/${label}[]`;
    const loop: LoopDraft =
      last?.kind === "loop" && last.label === label ? last : { kind: "loop", key, label, rounds: [] };
    if (loop !== last) this.#parts.push(loop);
    const there = loop.rounds.find((round) => round.index === index);
    if (there !== undefined) return there.list;
    const list = new List(key);
    loop.rounds.push({ index, list });
    return list;
  }

  finish(): readonly Part[] {
    const parts = this.#parts.flatMap((draft): readonly Part[] => {
      if (draft.kind === "layer") return [draft];
      if (draft.kind === "joint") return [{ ...draft, ...draft.body.finishBranch() }];
      const { key, label } = draft;
      const rounds = draft.rounds.map(({ index, list }) => ({ index, parts: list.finish() }));
      return splitRounds(rounds).map((some, at) => ({
        kind: "loop",
        key: `${key}${at || ""}`,
        label,
        rounds: some,
      }));
    });
    return takeIn(parts);
  }

  finishBranch(): Pick<Joint, "body" | "roles"> {
    const role = (position: Position): readonly Layer[] =>
      (this.#roles.get(position)?.finish() ?? []).filter((part) => part.kind === "layer");
    const roles = {
      pre: role("pre"),
      skip: role("skip"),
      branch: role("branch"),
      out: role("out"),
      post: role("post"),
    };
    return { body: this.finish(), roles };
  }
}

type LayerDraft = Layer & { readonly nodes: Node[] };
type JointDraft = Omit<Joint, "body" | "roles"> & { readonly body: List };
interface LoopDraft extends Omit<Loop, "rounds"> {
  readonly rounds: { readonly index: number; readonly list: List }[];
}

/** Iterations one after another that share most of their lines: two repeats of one label are two. */
function splitRounds(rounds: readonly Round[]): readonly (readonly Round[])[] {
  const groups: Round[][] = [];
  const seen: Set<string>[] = [];
  for (const round of rounds) {
    const keys = [...everyPart(round.parts)].map(({ key }) => key);
    const known = seen.at(-1);
    if (known !== undefined && keys.filter((key) => known.has(key)).length * 2 >= keys.length)
      groups.at(-1)!.push(round);
    else {
      groups.push([round]);
      seen.push(new Set());
    }
    for (const key of keys) seen.at(-1)!.add(key);
  }
  return groups;
}

/** What a line makes for itself (positions, masks, a number) is no box of its own: it goes into the box that reads it. */
function takeIn(parts: readonly Part[]): readonly Part[] {
  const kept = [...parts];
  for (const part of parts.toReversed()) {
    if (part.kind !== "layer") continue;
    const made = new Set(resultsOf(part));
    const reads = part.nodes.flatMap(operandValues).filter((value) => !made.has(value));
    const readers = kept.filter(
      (other) =>
        other !== part && nodesOf(other).some((node) => operandValues(node).some((value) => made.has(value))),
    );
    const argument = kept.find(
      (other) =>
        other.kind === "layer" &&
        other !== part &&
        other.span !== undefined &&
        part.span !== undefined &&
        covers(other.span, part.span),
    );
    const home = argument ?? (reads.length === 0 && readers.length === 1 ? readers[0] : undefined);
    if (home?.kind !== "layer") continue;
    kept.splice(kept.indexOf(part), 1);
    const at = kept.indexOf(home);
    kept[at] = { ...home, nodes: [...part.nodes, ...home.nodes] };
  }
  return kept;
}
