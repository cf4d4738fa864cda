import type { Node, Value } from "../ir/graph.ts";
import type { Span } from "../support/source.ts";

/**
 * What a state holds of a value:
 *
 * - `rows`: a row for each position, after `lead` rows in front of the text; going back is to know fewer of them;
 * - `last`: the last rows, as many as a window, a convolution or a shift reads before the new ones;
 * - `ring`: the last rows of a window, that of position p in row p mod `rows`;
 * - `sum`: the last row of a running sum;
 * - `matrix`: the state of a recurrence;
 * - `first`: the first row, from the first run on;
 * - `context`: a value that stays as the text grows, made by the part `encode`.
 */
export type StateRole =
  | { readonly kind: "rows"; readonly axis: number; readonly lead: number }
  | { readonly kind: "last" | "ring"; readonly axis: number; readonly rows: number }
  | { readonly kind: "sum"; readonly axis: number }
  | { readonly kind: "matrix" | "first" | "context" };

/** The names of states, alike in all parts: of the layer that makes what is kept. */
export class StateNames {
  readonly roles = new Map<string, StateRole>();
  readonly #producers: ReadonlyMap<Value, { readonly node: Node }>;
  readonly #names = new Map<Value, Map<string, string>>();
  readonly #spans = new Map<string, Span | undefined>();

  constructor(producers: ReadonlyMap<Value, { readonly node: Node }>) {
    this.#producers = producers;
  }

  producerOf(value: Value): Node | undefined {
    return this.#producers.get(value)?.node;
  }

  /** The line of the model that makes what a state keeps. */
  of(name: string): Span | undefined {
    return this.#spans.get(name);
  }

  /** The values of which a row is kept for each position. */
  get rows(): ReadonlySet<Value> {
    const isRows = (name: string): boolean => this.roles.get(name)!.kind === "rows";
    return new Set(
      [...this.#names].flatMap(([value, names]) => ([...names.values()].some(isRows) ? [value] : [])),
    );
  }

  nameOf(value: Value, role: StateRole): string {
    const names = this.#names.get(value) ?? new Map<string, string>();
    this.#names.set(value, names);
    const key = JSON.stringify(role);
    const known = names.get(key);
    if (known !== undefined) return known;
    const name = this.#unused(this.#wish(value, role));
    names.set(key, name);
    this.roles.set(name, role);
    this.#spans.set(name, this.producerOf(value)?.origin.spans.at(-1));
    return name;
  }

  #wish(value: Value, { kind }: StateRole): string {
    const label = this.producerOf(value)?.origin.label ?? "";
    const parts = [label, value.hint ?? "", kind === "rows" ? "" : kind].filter((part) => part !== "");
    return parts.length === 0 ? "rows" : parts.join(".");
  }

  /** Names of parameters are the layer's and one word more, of which none is a role. */
  #unused(wish: string): string {
    let name = wish;
    for (let count = 2; this.roles.has(name); count++) name = `${wish}.${count}`;
    return name;
  }
}
