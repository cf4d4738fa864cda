import type { OnceTexts } from "./once.ts";
import type { Value } from "../../ir/graph.ts";
import type { Loop, LoopClass } from "../../ir/roll/rolled.ts";
import type { HelperName } from "./helpers.ts";
import type { TorchTable } from "./site.ts";

/** What a body needs from its surroundings beside values: run-time sizes and what is made once a forward. */
export type Extras = Set<string>;

/** What the function of a class takes and gives. */
export interface Signature {
  readonly given: ReadonlyMap<Value, string>;
  readonly names: readonly string[];
  readonly returned: readonly Value[];
}

/** The list of a loop's modules, and what each call takes beside values. */
export interface EmittedLoop {
  readonly list: string;
  readonly extras: readonly string[];
}

/** What a file is written with beside the model: other libraries make layers of other classes, and hand more to them. */
export interface FileForm {
  readonly table: TorchTable;
  /** The class that layers are of. */
  readonly base: string;
  /** What the constructor of a class takes before what varies. */
  readonly parameters: (body: LoopClass) => readonly string[];
  /** What stands there for the layer at place `i` of a loop. */
  readonly arguments: (loop: Loop, body: LoopClass) => readonly string[];
  /** What forwards may hand down as it is, in this order after all else. */
  readonly handed: readonly string[];
}

/** What all functions of an emitted file share, as one of them sees it. */
export interface Shared {
  readonly form: FileForm;
  /** What no variable may be called. */
  readonly names: ReadonlySet<string>;
  readonly firstInput: string;
  /** Tables that tokens look up and products read too. */
  readonly tied: ReadonlySet<Value>;
  helper(name: HelperName): string;
  readonly once: OnceTexts;
  parameter(value: Pick<Value, "type">): string;
  argumentNames(
    carried: readonly string[],
    invariants: readonly Value[],
    texts: readonly string[],
  ): readonly string[];
  classes(loop: Loop, describe: (body: LoopClass, at: number) => Signature): EmittedLoop;
}
