import type { Value } from "../../ir/graph.ts";
import type { Span } from "../../support/source.ts";
import type { Instance } from "../values/meaning.ts";

/** An iteration of a labelled repeat, as `h[k].name` finds it. */
export interface RanIteration {
  readonly labels: LabelScope;
  /** The repeat's label where it is written. */
  readonly name: Span | undefined;
  /** The scope's time at its start. */
  readonly start: number;
  /** The scope's time at its end; undefined while it runs. */
  end: number | undefined;
  stream: Value | undefined;
}

/**
 * The labels of one body with a prefix of its own: a definition, or an iteration of a repeat in it. Labels are looked up
 * from the innermost body outwards.
 */
export class LabelScope {
  /** What every full name here begins with; empty for a model. */
  readonly prefix: string;
  /** True if a part of the prefix was made up for a layer without a label. */
  readonly unlabelled: boolean;
  readonly #parent: LabelScope | undefined;
  // Made when needed: most bodies have few of these, and a deep model has many bodies.
  #instances: Map<string, Instance[]> | undefined;
  #blocks: LabelScope[] | undefined;
  #repeats: Map<string, Map<number, RanIteration>> | undefined;
  #failed: Set<string> | undefined;
  #counts: Map<string, number> | undefined;

  constructor(prefix: string, unlabelled: boolean, parent?: LabelScope) {
    this.prefix = prefix;
    this.unlabelled = unlabelled;
    this.#parent = parent;
  }

  full(label: string): string {
    return this.prefix === "" || label === "" ? this.prefix + label : `${this.prefix}.${label}`;
  }

  /** `linear`, then `linear_1`: the name of a layer, block or repeat without a label, by kind and order. */
  nextName(kind: string): string {
    this.#counts ??= new Map();
    const count = this.#counts.get(kind) ?? 0;
    this.#counts.set(kind, count + 1);
    return count === 0 ? kind : `${kind}_${count}`;
  }

  addInstance(label: string, instance: Instance): void {
    this.#instances ??= new Map();
    const there = this.#instances.get(label);
    if (there === undefined) this.#instances.set(label, [instance]);
    else there.push(instance);
  }

  /** The labels of a block that is called in this body, which stand behind its own. */
  addBlock(labels: LabelScope): void {
    this.#blocks ??= [];
    this.#blocks.push(labels);
  }

  /** All layers at a label, in the innermost body that has one, there or in a block that it calls. */
  findInstances(label: string): readonly Instance[] {
    return this.#instancesHere(label) ?? this.#parent?.findInstances(label) ?? [];
  }

  #instancesHere(label: string): readonly Instance[] | undefined {
    const own = this.#instances?.get(label);
    if (own !== undefined) return own;
    const full = this.full(label);
    for (const block of this.#blocks ?? []) {
      const begin = block.prefix === "" ? "" : `${block.prefix}.`;
      const inside = full.startsWith(begin) ? block.#instancesHere(full.slice(begin.length)) : undefined;
      if (inside !== undefined) return inside;
    }
    return undefined;
  }

  /** Remembers a label whose layer was refused, so that nobody complains twice. */
  addFailed(label: string): void {
    this.#failed ??= new Set();
    this.#failed.add(label);
  }

  hasFailed(label: string): boolean {
    return this.#failed?.has(label) === true || this.#parent?.hasFailed(label) === true;
  }

  /** An iteration of `repeat … shared`: its own labels, the names of the body around it. */
  fork(): LabelScope {
    const inner = new LabelScope(this.prefix, this.unlabelled, this);
    inner.#counts = new Map(this.#counts);
    return inner;
  }

  /** After the last iteration: names made up there are taken here too. */
  join(inner: LabelScope): void {
    this.#counts = inner.#counts;
  }

  /** The iterations of a repeat by number, made if this is its first; a second repeat of one label goes on. */
  openRepeat(label: string): Map<number, RanIteration> {
    this.#repeats ??= new Map();
    const there = this.#repeats.get(label);
    if (there !== undefined) return there;
    const made = new Map<number, RanIteration>();
    this.#repeats.set(label, made);
    return made;
  }

  findRepeat(label: string): ReadonlyMap<number, RanIteration> | undefined {
    return this.#repeats?.get(label) ?? this.#parent?.findRepeat(label);
  }

  /** All labels of layers that can be seen from here, for suggestions. */
  labels(): string[] {
    return [...(this.#instances?.keys() ?? []), ...(this.#parent?.labels() ?? [])];
  }

  repeatLabels(): string[] {
    return [...(this.#repeats?.keys() ?? []), ...(this.#parent?.repeatLabels() ?? [])];
  }
}
