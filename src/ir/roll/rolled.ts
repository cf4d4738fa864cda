import type { Node, Value } from "../graph.ts";

/** A graph whose repeats are loops again. */
export interface Rolled {
  readonly parts: readonly RolledPart[];
}

export type RolledPart = Node | Loop;

export const isLoop = (part: RolledPart): part is Loop => "classes" in part;

/** A repeat. Its iterations are of few classes, and each class is one body. */
export interface Loop {
  /** Full: `model.layers`. Empty for a repeat whose iterations have no names of their own. */
  readonly label: string;
  /** True for `repeat … shared`: its iterations have the same parameters, by the names that those have outside. */
  readonly shared: boolean;
  /** True if a training step makes its inside again for the backward. */
  readonly checkpoint: boolean;
  readonly classes: readonly LoopClass[];
  /** In the order in which they run. */
  readonly iterations: readonly LoopIteration[];
  /** How values pass from one to the next; undefined where that is no chain, and each is a call with values of its own. */
  readonly chain: Chain | undefined;
}

/** Iterations that are one body but for the attributes that vary. */
export interface LoopClass {
  /** With the values of one iteration. */
  readonly parts: readonly RolledPart[];
  /** Every node in it, those of loops in it too. */
  readonly nodes: readonly Node[];
  /** Before the names of its own parameters, as that iteration has them: `model.layers.1.`; empty if shared. */
  readonly prefix: string;
  /** What it reads that none of its nodes makes, nor any parameter of its own is; all different. */
  readonly inputs: readonly Value[];
  /** What is read outside of it, of any of its iterations. */
  readonly outputs: readonly Value[];
  readonly variations: readonly Variation[];
}

/** An attribute that is another number in other iterations of a class. */
export interface Variation {
  readonly node: Node;
  readonly attribute: string;
  /** One an iteration of the class. */
  readonly values: readonly unknown[];
}

export interface LoopIteration {
  readonly index: number;
  /** Of the loop's classes. */
  readonly class: number;
  readonly prefix: string;
  /** What stands in the places of the class's inputs and outputs. */
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

/** Every iteration reads what the one before it made, and else the same values. */
export interface Chain {
  readonly lanes: readonly Lane[];
  /** What is the same in all iterations. */
  readonly invariants: readonly Value[];
  /** One a class: which lane or invariant each of its inputs is. */
  readonly wiring: readonly (readonly Wire[])[];
}

export type Wire = { readonly lane: number } | { readonly invariant: number };

/** A value that the loop carries. */
export interface Lane {
  /** Before the first iteration, and after the last. */
  readonly initial: Value;
  readonly final: Value;
  /** One a class: which of its outputs the next iteration finds in this lane. */
  readonly outputs: readonly number[];
}
