import type { Definition, Tap } from "../language/ast.ts";
import type { Span } from "../support/source.ts";

/** A tap and the calls that led to it, innermost first. */
export interface TapPlace {
  readonly tap: Tap;
  readonly calls: readonly Span[];
}

/** Where a tap is met: the definition that is lowered, and the calls that led to it. */
interface Place {
  readonly definition: Definition;
  readonly calls: readonly Span[];
}

/** Every `as NAME` that was met, in the order of the text, and whether anything reads what it names. */
export class Taps {
  readonly #places = new Map<Tap, TapPlace>();
  readonly #read = new Set<Tap>();

  /** A model called as a block leaves its `train` out, where its taps may be read. */
  bound(tap: Tap, { calls, definition }: Place): void {
    const isPart = calls.length > 0 && definition.kind === "model";
    if (!isPart && !this.#places.has(tap)) this.#places.set(tap, { tap, calls });
  }

  read(tap: Tap): void {
    this.#read.add(tap);
  }

  /** Taps that nothing read, in a repeat in none of its iterations. */
  get unread(): readonly TapPlace[] {
    return [...this.#places.values()].filter(({ tap }) => !this.#read.has(tap));
  }
}
