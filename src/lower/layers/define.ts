import type { Value } from "../../ir/graph.ts";
import type { GivenAttributes } from "../../ir/node.ts";
import type { OpName, OperandsOf } from "../../ops/table.ts";
import type { Dim } from "../../tensor/dim.ts";
import type { Dtype } from "../../tensor/dtype.ts";
import { invariant } from "../../support/invariant.ts";
import { kind, wordsKind, type Kind } from "../values/kinds.ts";
import { bool, none, number, toDim, type Init, type Instance, type Meaning } from "../values/meaning.ts";

/** A parameter of a layer: its kind, its default, and how its meaning is read once it has been checked. */
export interface ParameterSpec<T> {
  readonly kind: Kind;
  readonly fallback: Meaning | undefined;
  readonly read: (meaning: Meaning) => T;
}

export type ParameterTable = { readonly [name: string]: ParameterSpec<unknown> };

export type ArgumentsOf<P extends ParameterTable> = {
  readonly [K in keyof P]: P[K] extends ParameterSpec<infer T> ? T : never;
};

/** How a record builds nodes: the place where a layer stands. */
export interface Site {
  readonly training: boolean;
  /** Takes the result of an attention that keeps its dropout to itself, and its rate; undefined where none may. */
  readonly wholeAttention: ((result: Value, rate: number) => void) | undefined;
  /** Adds a node with one result. */
  emit<K extends OpName>(op: K, operands: OperandsOf<K, Value>, attrs: GivenAttributes<K>): Value;
  /** Adds a node; all its results. */
  emitAll<K extends OpName>(
    op: K,
    operands: OperandsOf<K, Value>,
    attrs: GivenAttributes<K>,
  ): readonly Value[];
  /** A parameter of this layer, `LABEL.suffix`, or `LABEL` itself for an empty suffix. */
  own(suffix: string, shape: readonly (Dim | number)[], options: OwnOptions): Value;
  /** The stream: what sources read the shape of. */
  stream(): Value;
  /** The one element that all of a value has, if it was made so. */
  filledWith(value: Value): number | undefined;
  /** Ends the layer with an error about its operands' shapes. */
  fail(message: string, blamed?: Value): never;
  /** A remark that does not end the layer. */
  warn(message: string): void;
}

export interface OwnOptions {
  readonly init: Init;
  readonly fanIn?: number;
  readonly fanOut?: number;
  readonly trainable?: boolean;
}

/** A layer of the language that is no block: what it is called with, what it owns, and which nodes it makes. */
export interface LayerRecord<P extends ParameterTable = ParameterTable> {
  /** One sentence, with the formula. */
  readonly doc: string;
  /** Names of what flows in, in the order of a tuple: `x`, `mask?` may be left off, `values*` any number; none: a source. */
  readonly operands: readonly string[];
  readonly parameters: P;
  /** What follows the label in the names of its parameters; empty for a layer without. */
  readonly owns: readonly string[];
  readonly build: (site: Site, operands: readonly Value[], args: ArgumentsOf<P>) => Value | readonly Value[];
}

/** A record with its parameters' types forgotten: for code that treats all layers alike. */
export type AnyLayerRecord = LayerRecord;

export const defineLayer = <const P extends ParameterTable>(record: LayerRecord<P>): AnyLayerRecord =>
  record as unknown as AnyLayerRecord;

const spec = <T>(
  of: Kind,
  fallback: Meaning | undefined,
  read: (meaning: Meaning) => T,
): ParameterSpec<T> => ({
  kind: of,
  fallback,
  read,
});

const readNumber = (meaning: Meaning): number => {
  invariant(meaning.kind === "number", "an argument that was checked is no number");
  return meaning.value;
};

const readOptionalNumber = (meaning: Meaning): number | undefined =>
  meaning.kind === "none" ? undefined : readNumber(meaning);

const readSize = (meaning: Meaning): Dim => {
  const size = toDim(meaning);
  invariant(size, "an argument that was checked is no size");
  return size;
};

const readWord = (meaning: Meaning): string => {
  invariant(meaning.kind === "word", "an argument that was checked is no word");
  return meaning.value;
};

/** Builders of parameter specs; without a default the parameter is positional and must be given. */
export const int = (value?: number): ParameterSpec<number> =>
  spec(kind("count"), value === undefined ? undefined : number(value), readNumber);

export const optionalInt = (): ParameterSpec<number | undefined> =>
  spec(kind("count", true), none, readOptionalNumber);

export const float = (value?: number): ParameterSpec<number> =>
  spec(kind("float"), value === undefined ? undefined : number(value, true), readNumber);

export const optionalFloat = (): ParameterSpec<number | undefined> =>
  spec(kind("float", true), none, readOptionalNumber);

export const flag = (value: boolean): ParameterSpec<boolean> =>
  spec(kind("bool"), bool(value), (meaning) => meaning.kind === "bool" && meaning.value);

/** A text or a word; `none` if it is left out. */
export const optionalText = (): ParameterSpec<string | undefined> =>
  spec(kind("text", true), none, (meaning) => (meaning.kind === "text" ? meaning.value : undefined));

export const word = <const W extends readonly string[]>(
  words: W,
  value: W[number],
): ParameterSpec<W[number]> => spec(wordsKind(words), { kind: "word", value }, readWord);

export const dtypeOf = (): ParameterSpec<Dtype> =>
  spec(kind("dtype"), undefined, (meaning) => readWord(meaning) as Dtype);

/** A size that may have run-time symbols in it. */
export const size = (): ParameterSpec<Dim> => spec(kind("size"), undefined, readSize);

export const optionalSize = (): ParameterSpec<Dim | undefined> =>
  spec(kind("size", true), none, (meaning) => (meaning.kind === "none" ? undefined : readSize(meaning)));

export const shape = (): ParameterSpec<readonly Dim[]> =>
  spec(kind("shape"), undefined, (meaning) => (meaning.kind === "list" ? meaning.items.map(readSize) : []));

/** A whole number or a list of them; a number alone is the list of one. */
const readInts = (meaning: Meaning): readonly number[] =>
  meaning.kind === "list" ? meaning.items.map(readNumber) : [readNumber(meaning)];

export const ints = (): ParameterSpec<readonly number[]> => spec(kind("ints"), undefined, readInts);

export const intsOr = (value: number): ParameterSpec<readonly number[]> =>
  spec(kind("ints"), number(value), readInts);

export const optionalInts = (): ParameterSpec<readonly number[] | undefined> =>
  spec(kind("ints", true), none, (meaning) => (meaning.kind === "none" ? undefined : readInts(meaning)));

export const optionalFloats = (): ParameterSpec<readonly number[] | undefined> =>
  spec(kind("floats", true), none, (meaning) =>
    meaning.kind === "list" ? meaning.items.map(readNumber) : undefined,
  );

/** The pieces of `split`: a count, or the list of sizes. */
export const pieces = (): ParameterSpec<number | readonly number[]> =>
  spec(kind("ints"), undefined, (meaning) =>
    meaning.kind === "list" ? readInts(meaning) : readNumber(meaning),
  );

/** How the layer's weight begins; `none` leaves it to the layer. */
export const initOf = (): ParameterSpec<Init | undefined> =>
  spec(kind("init", true), none, (meaning) => (meaning.kind === "init" ? meaning.init : undefined));

export const labelOf = (): ParameterSpec<Instance> =>
  spec(kind("label"), undefined, (meaning) => {
    invariant(meaning.kind === "label", "an argument that was checked is no label");
    return meaning.instance;
  });

export const constantInit = (value: number): Init => ({ kind: "constant", value });
