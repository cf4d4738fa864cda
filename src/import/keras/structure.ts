import type { KerasLayer, KerasModel } from "./model.ts";

/** A stretch of a model between two values: layers one behind the other, and residual edges among them. */
export type Piece =
  | { readonly kind: "layer"; readonly layer: KerasLayer }
  | { readonly kind: "edge"; readonly edge: ResidualEdge };

/** y = post(s + out(f(pre(x)))), where s is what the edge begins with, or what `from` makes of it. */
export interface ResidualEdge {
  readonly add: KerasLayer;
  readonly pre: KerasLayer | undefined;
  readonly branch: readonly Piece[];
  readonly out: KerasLayer | undefined;
  readonly post: KerasLayer | undefined;
  /** Layers on the way of what the edge carries; none for the stream itself. */
  readonly from: readonly Piece[];
}

/** Pieces of a model, found backwards from a value to the one before them. */
export class Structure {
  readonly #byName: ReadonlyMap<string, KerasLayer>;
  readonly #readers = new Map<string, KerasLayer[]>();
  readonly #outputs: ReadonlySet<string>;
  /** Whether a layer can be the norm of an edge. */
  readonly #isNorm: (layer: KerasLayer) => boolean;

  constructor(model: KerasModel, isNorm: (layer: KerasLayer) => boolean) {
    this.#isNorm = isNorm;
    this.#byName = new Map(model.layers.map((layer) => [layer.name, layer]));
    this.#outputs = new Set(model.outputs);
    for (const layer of model.layers)
      for (const name of new Set(layer.inputs))
        this.#readers.set(name, [...(this.#readers.get(name) ?? []), layer]);
  }

  /** The pieces from the value of one layer to that of another, which nobody else reads on the way; undefined if there are none such. */
  between(start: string, end: string): readonly Piece[] | undefined {
    const pieces: Piece[] = [];
    let at = end;
    while (at !== start) {
      const step = this.#before(at);
      if (step === undefined) return undefined;
      pieces.push(step.piece);
      at = step.at;
      if (at !== start && !this.#isAlone(at, step.piece)) return undefined;
    }
    return pieces.reverse();
  }

  /** The piece that makes a value, and what it begins with. */
  #before(name: string): { readonly piece: Piece; readonly at: string } | undefined {
    const layer = this.#byName.get(name)!;
    const normed = this.#isNorm(layer) ? this.#byName.get(layer.inputs[0]!) : undefined;
    const isPost =
      normed?.kind === "Add" &&
      this.#readers.get(normed.name)!.length === 1 &&
      !this.#outputs.has(normed.name);
    const found = isPost
      ? this.#edge(normed, layer)
      : layer.kind === "Add"
        ? this.#edge(layer, undefined)
        : undefined;
    if (found !== undefined) return { piece: { kind: "edge", edge: found.edge }, at: found.at };
    const [input, ...others] = new Set(layer.inputs);
    if (input === undefined || others.length > 0 || layer.kind === "Add") return undefined;
    return { piece: { kind: "layer", layer }, at: input };
  }

  /** The residual edge that an Add ends: one of its inputs is what the other was made of, or both were made of one value. */
  #edge(
    add: KerasLayer,
    post: KerasLayer | undefined,
  ): { readonly edge: ResidualEdge; readonly at: string } | undefined {
    const [a, b, ...others] = add.inputs;
    if (a === undefined || b === undefined || others.length > 0 || a === b) return undefined;
    for (const [source, end] of [
      [a, b],
      [b, a],
    ] as const) {
      const body = this.between(source, end);
      if (body !== undefined && this.#isWithin(end, add))
        return { edge: this.#edgeOf(add, post, body, []), at: source };
    }
    const fork = this.#forkOf(a, b);
    if (fork === undefined || !this.#isWithin(a, add) || !this.#isWithin(b, add)) return undefined;
    const [left, right] = [this.between(fork, a), this.between(fork, b)];
    if (left === undefined || right === undefined) return undefined;
    // The shorter way is what the edge carries: a projection.
    const [from, body] = left.length <= right.length ? [left, right] : [right, left];
    if (from.some(({ kind }) => kind === "edge")) return undefined;
    return { edge: this.#edgeOf(add, post, body, from), at: fork };
  }

  /** The nearest value of which both are made, along what has one input. */
  #forkOf(a: string, b: string): string | undefined {
    const way = (from: string): string[] => {
      const names = [from];
      for (let step = this.#before(from); step !== undefined; step = this.#before(step.at))
        names.push(step.at);
      return names;
    };
    const first = new Set(way(a));
    return way(b).find((name) => first.has(name));
  }

  /** Whether an Add alone reads the end of a branch. */
  #isWithin(end: string, add: KerasLayer): boolean {
    return !this.#outputs.has(end) && this.#readers.get(end)!.every((reader) => reader === add);
  }

  /** Whether the piece behind a value is all that reads it. */
  #isAlone(name: string, piece: Piece): boolean {
    if (this.#outputs.has(name)) return false;
    const readers = this.#readers.get(name)!;
    if (piece.kind === "layer") return readers.every((reader) => reader === piece.layer);
    const { add, from } = piece.edge;
    const firsts = [
      piece.edge.pre,
      firstOf(piece.edge.branch),
      piece.edge.branch.length === 0 ? piece.edge.out : undefined,
      firstOf(from),
      add,
    ];
    return readers.every((reader) => firsts.includes(reader) || this.#beginsIn(reader, piece.edge));
  }

  /** Whether an edge that is the first piece of the branch begins with a layer. */
  #beginsIn(reader: KerasLayer, { branch: [first], pre }: ResidualEdge): boolean {
    if (pre !== undefined || first?.kind !== "edge") return false;
    const { edge } = first;
    return (
      [edge.pre, firstOf(edge.branch), firstOf(edge.from), edge.add].includes(reader) ||
      this.#beginsIn(reader, edge)
    );
  }

  /** A norm at the beginning of a branch, and one at its end, have their places at the edge. */
  #edgeOf(
    add: KerasLayer,
    post: KerasLayer | undefined,
    body: readonly Piece[],
    from: readonly Piece[],
  ): ResidualEdge {
    const isNorm = (piece: Piece | undefined): boolean =>
      piece?.kind === "layer" && this.#isNorm(piece.layer);
    const pre = isNorm(body[0]) && body.length > 1 ? firstOf(body) : undefined;
    const rest = pre === undefined ? body : body.slice(1);
    const out = isNorm(rest.at(-1)) && rest.length > 1 ? firstOf(rest.slice(-1)) : undefined;
    return { add, pre, branch: out === undefined ? rest : rest.slice(0, -1), out, post, from };
  }
}

const firstOf = ([first]: readonly Piece[]): KerasLayer | undefined =>
  first?.kind === "layer" ? first.layer : undefined;
