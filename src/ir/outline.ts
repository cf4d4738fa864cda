import { groupBy } from "../support/lists.ts";
import { formOf, type Interface } from "./alike.ts";
import type { Graph, Iteration, Node, Origin, Value } from "./graph.ts";

/** A part of a graph: the graph itself, a block, a layer, a repeat, or one iteration of it. */
export interface Section {
  /** Its part of the label: `attn`, for a repeat `encoder.block`, for an iteration `3`; empty for the graph. */
  readonly label: string;
  /** All nodes in it, those of the sections in it too, in the order of the graph. */
  readonly nodes: readonly Node[];
  /** What it holds, each where its first node stands: its own nodes and its sections; of a repeat the iterations. */
  readonly parts: readonly (Node | Section)[];
  /** What makes it a repeat. */
  readonly repeat?: Repeat;
}

export interface Repeat {
  /** In the order in which they run. */
  readonly iterations: readonly IterationSection[];
  /** Those that compute the same by other parameters: same ops, attributes, types and wiring. By their first. */
  readonly alike: readonly (readonly IterationSection[])[];
  /** True if a training step makes its inside again for the backward. */
  readonly checkpoint: boolean;
  /** True if it stands in a block of the library. */
  readonly library: boolean;
}

/** All of one iteration. Lists of alike iterations have the same length, and what stands at one place plays one part. */
export interface IterationSection extends Section, Interface {
  readonly index: number;
  /** Of its values those that the next iteration reads: what a rolled loop would carry. Empty for the last. */
  readonly carried: readonly Value[];
}

export const isSection = (part: Node | Section): part is Section => "parts" in part;

/** The sections right in another one. */
export const sectionsOf = ({ parts }: Section): readonly Section[] => parts.filter(isSection);

/** The graph by its labels. Linear in the nodes, once for each level. */
export function outlineOf(graph: Pick<Graph, "nodes" | "parameters">): Section {
  const root = new Draft("");
  for (const node of graph.nodes) root.add(node);
  const parameters = new Set(graph.parameters.map(({ value }) => value));
  return root.finish((value) => parameters.has(value));
}

/** One step down the tree, from a section into one in it. */
export interface Step {
  readonly label: string;
  /** Which iteration of a repeat; the repeat and the iteration are one step. */
  readonly iteration?: Iteration;
  /** True for a repeat that labels do not show: `repeat … shared`, all of whose iterations have the same names. */
  readonly hidden?: true;
}

/**
 * The way to a node or an edge: `h.3.attn.c_attn` in `h[3]` is h[3], attn, c_attn. What stands before a repeat's label are
 * the blocks around it; a repeat without a label has its number alone in there.
 */
export function pathOf({ label, scope }: Pick<Origin, "label" | "scope">): Step[] {
  let rest = label === "" ? [] : label.split(".");
  const steps: Step[] = [];
  for (const iteration of scope) {
    const found = findIteration(rest, iteration);
    for (const part of rest.slice(0, found?.start)) if (found !== undefined) steps.push({ label: part });
    steps.push({ label: iteration.label, iteration, ...(found === undefined && { hidden: true as const }) });
    rest = rest.slice(found?.end ?? 0);
  }
  for (const part of rest) steps.push({ label: part });
  return steps;
}

/** Where the parts of a label say that iteration. */
export function findIteration(
  parts: readonly string[],
  { label, index }: Iteration,
): { readonly start: number; readonly end: number } | undefined {
  const wanted = [...label.split("."), String(index)];
  const start = parts.findIndex((_, at) => wanted.every((part, offset) => parts[at + offset] === part));
  if (start >= 0) return { start, end: start + wanted.length };
  return label === "repeat" && parts[0] === String(index) ? { start: 0, end: 1 } : undefined;
}

/** A text for all that lies in one iteration: its path with the numbers of the repeats; `depth` of them, or all. */
export function placeOf(origin: Pick<Origin, "label" | "scope">, depth = origin.scope.length): string {
  const path = pathOf(origin);
  const iterations = path.flatMap(({ iteration }, at) => (iteration === undefined ? [] : [at]));
  const end = depth === 0 ? -1 : iterations[depth - 1]!;
  return path
    .slice(0, end + 1)
    .map((step) => (step.iteration === undefined ? step.label : `${step.label}[${step.iteration.index}]`))
    .join(".");
}

/** Writes `h.*.attn` for `h.3.attn`, anywhere in a text, for the repeats of these labels. */
export function starIterations(labels: Iterable<string>): (text: string) => string {
  const words = [...new Set(labels)].map((label) => label.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  if (words.length === 0) return (text) => text;
  const pattern = new RegExp(`(?<![\\w])(${words.join("|")})\\.\\d+(?![\\w])`, "g");
  return (text) => text.replace(pattern, "$1.*");
}

/** A section while nodes are put into it. */
class Draft {
  readonly #label: string;
  readonly #nodes: Node[] = [];
  readonly #parts: (Node | Draft)[] = [];
  readonly #inner = new Map<string, Draft>();
  /** What is said of it in the scopes of its nodes, if it is an iteration. */
  readonly #iteration: Iteration | undefined;

  constructor(label: string, iteration?: Iteration) {
    this.#label = label;
    this.#iteration = iteration;
  }

  add(node: Node): void {
    let draft: Draft = this.#take(node);
    for (const { label, iteration, hidden } of pathOf(node.origin)) {
      if (iteration === undefined) draft = draft.#enter(label);
      else {
        const key = `${label}[]`;
        // Only the numbers tell two repeats apart that labels do not show: the second begins anew.
        if (hidden === true && iteration.index < draft.#lastOf(key)) draft.#inner.delete(key);
        draft = draft.#enter(label, key).#take(node).#enter(String(iteration.index), undefined, iteration);
      }
      draft.#take(node);
    }
    draft.#parts.push(node);
  }

  /** The number of the iteration of a repeat that came last so far; -1 if there is none. */
  #lastOf(key: string): number {
    const repeat = this.#inner.get(key);
    const last = repeat === undefined ? undefined : repeat.#parts.at(-1);
    return last instanceof Draft ? last.#index : -1;
  }

  get #index(): number {
    return this.#iteration === undefined ? -1 : this.#iteration.index;
  }

  #take(node: Node): this {
    this.#nodes.push(node);
    return this;
  }

  #enter(label: string, key = label, iteration?: Iteration): Draft {
    const there = this.#inner.get(key);
    if (there !== undefined) return there;
    const made = new Draft(label, iteration);
    this.#inner.set(key, made);
    this.#parts.push(made);
    return made;
  }

  finish(isParameter: (value: Value) => boolean): Section {
    const [label, nodes] = [this.#label, this.#nodes];
    const drafts = this.#parts.filter((part) => part instanceof Draft);
    const [first] = drafts;
    const said = first === undefined ? undefined : first.#iteration;
    if (said === undefined) {
      const parts = this.#parts.map((part) => (part instanceof Draft ? part.finish(isParameter) : part));
      return { label, nodes, parts };
    }
    const ran = drafts.map((draft) => ({ index: draft.#index, section: draft.finish(isParameter) }));
    const found = compareIterations(
      ran.sort((a, b) => a.index - b.index),
      isParameter,
    );
    const { checkpoint = false, library = false } = said;
    return { label, nodes, parts: found.iterations, repeat: { ...found, checkpoint, library } };
  }
}

/** What the iterations read and carry, and which of them are alike. */
function compareIterations(
  ran: readonly { readonly index: number; readonly section: Section }[],
  isParameter: (value: Value) => boolean,
): Pick<Repeat, "iterations" | "alike"> {
  const forms = ran.map(({ section }) => formOf(section.nodes, isParameter));
  const iterations = ran.map(({ index, section }, at): IterationSection => {
    const { parameters, inputs } = forms[at]!;
    const made = new Set(section.nodes.flatMap(({ results }) => results));
    const carried = (forms[at + 1]?.inputs ?? []).filter((value) => made.has(value));
    return { ...section, index, parameters, inputs, carried };
  });
  const alike = groupBy(iterations, (_, at) => forms[at]!.key);
  return { iterations, alike: [...alike.values()] };
}
