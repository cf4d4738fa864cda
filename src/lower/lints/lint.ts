import type { Graph } from "../../ir/graph.ts";
import type { Definition } from "../../language/ast.ts";
import type { Name, Tap } from "../../language/ast/expressions.ts";
import type { Edit, Label } from "../../support/diagnostic.ts";
import type { Span } from "../../support/source.ts";
import type { Module } from "../names/module.ts";
import type { NamedPlace } from "../names/namings.ts";
import type { LoweredTrain } from "../train/train.ts";

/** A model without errors, as lints see it. */
export interface Linted {
  readonly graph: Graph;
  readonly train: LoweredTrain | undefined;
  readonly unreadTaps: readonly NamedPlace<Tap>[];
  readonly unreadTargets: readonly NamedPlace<Name>[];
  /** The file's own definitions, and what it uses. */
  readonly module: Module;
  /** The model that was lowered. */
  readonly definition: Definition;
  /** What each definition of the file reads by name, and where. */
  readonly reads: (definition: Definition) => ReadonlyMap<string, readonly number[]>;
  /** Edges whose `init` scales their weights, by index. */
  readonly scaledEdges: ReadonlySet<number>;
}

/** What is well-formed and yet most likely a mistake: where, why, and the ways forward. */
export interface Finding {
  /** The place, then the calls that led there, innermost first. */
  readonly spans: readonly Span[];
  readonly message: string;
  readonly label?: string;
  readonly more?: readonly Label[];
  /** A way forward; that the lint can be silenced is added to it. */
  readonly help: string;
  /** It stands in no definition: any of the file may silence it. */
  readonly isAtTop?: true;
  /** What mends it. */
  readonly fix?: readonly Edit[];
}

/** A warning that a model can silence by name. A lint that is not sure stays silent. */
export interface Lint {
  readonly code: string;
  readonly find: (model: Linted) => readonly Finding[];
}

/** True if a definition of the file names this one: what calls give it is theirs too. */
export const isNamed = ({ name }: Definition, { module, reads }: Linted): boolean =>
  [...module.own.values()].some((other) => other.name !== name && reads(other).has(name.text));

/** A lint and the word that silences it. */
export interface NamedLint extends Lint {
  readonly name: string;
}

/** A lint that is not lmg's: its code has a slash (`lab/width`), as no code of ours has. */
export interface OwnLint extends NamedLint {
  readonly code: `${string}/${string}`;
}
