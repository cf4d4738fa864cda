import type { Definition } from "../../language/ast.ts";
import type { Name, Tap } from "../../language/ast/expressions.ts";
import type { Span } from "../../support/source.ts";

/** What names a tensor: `as NAME`, or a target of `NAME = …`. */
export type Naming = Tap | Name;

/** A naming and the calls that led to it, innermost first. */
export interface NamedPlace<N extends Naming = Naming> {
  readonly naming: N;
  readonly definition: Definition;
  readonly calls: readonly Span[];
}

/** Where a name is met: the definition that is lowered, and the calls that led to it. */
interface Place {
  readonly definition: Definition;
  readonly calls: readonly Span[];
}

const isTap = (place: NamedPlace): place is NamedPlace<Tap> => "name" in place.naming;

const isTarget = (place: NamedPlace): place is NamedPlace<Name> => "text" in place.naming;

/** Every `as NAME` and `NAME = …` that was met, in the order of the text, and whether anything reads what it names. */
export class Namings {
  readonly #places = new Map<Naming, NamedPlace>();
  readonly #read = new Set<Naming>();

  /** A model called as a block leaves its `train` out, where its names may be read. */
  bound(naming: Naming, { calls, definition }: Place): void {
    const isPart = calls.length > 0 && definition.kind === "model";
    if (!isPart && !this.#places.has(naming)) this.#places.set(naming, { naming, definition, calls });
  }

  read(naming: Naming): void {
    this.#read.add(naming);
  }

  /** Taps that nothing read, in a repeat in none of its iterations. */
  get unreadTaps(): readonly NamedPlace<Tap>[] {
    return this.#unread.filter(isTap);
  }

  /** The same of names that are bound. */
  get unreadTargets(): readonly NamedPlace<Name>[] {
    return this.#unread.filter(isTarget);
  }

  get #unread(): readonly NamedPlace[] {
    return [...this.#places.values()].filter(({ naming }) => !this.#read.has(naming));
  }
}
