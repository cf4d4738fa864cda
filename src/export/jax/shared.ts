import type { OnceTexts } from "../torch/once.ts";
import type { Graph, Node, Value } from "../../ir/graph.ts";
import type { Loop } from "../../ir/roll/rolled.ts";
import type { HelperName } from "./helpers.ts";
import type { Site } from "./site.ts";

/** A function of the file that a loop's iterations are. */
export interface LayerFunction {
  readonly name: string;
  readonly extras: readonly string[];
}

/** What all functions of an emitted file share, as one of them sees it. */
export interface Shared {
  readonly graph: Graph;
  /** What no variable may be called. */
  readonly names: ReadonlySet<string>;
  readonly parameterName: (value: Value) => string | undefined;
  readonly producer: (value: Value) => Node | undefined;
  readonly isStacked: (loop: Loop) => boolean;
  /** A number that no other draw has. */
  readonly draw: () => number;
  keyOf(name: string): string;
  helper(name: HelperName): HelperName;
  readonly once: OnceTexts<Site>;
  functions(loop: Loop, around: string): readonly LayerFunction[];
}
