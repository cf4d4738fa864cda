import type { EdgePart, Graph, Origin } from "../ir/graph.ts";
import type { Target } from "../kernels/target.ts";
import type { Packing } from "./packing.ts";

/** A step from graph to graph. Pure: it returns a new graph, or the same one if there is nothing to do. */
export interface Pass {
  /** As `lmg ir --after NAME` takes it. */
  readonly name: string;
  /** What it does and why that is allowed, in a sentence. */
  readonly doc: string;
  readonly run: (graph: Graph, context: PassContext) => Graph;
}

/** What a pass may ask, beside the graph. */
export interface PassContext {
  /** Hears what fused and why not. */
  readonly report: Report;
  /** Whose kernels the graph is made for: how much one may take in. */
  readonly target: Target;
  /** The parameters that are to be kept as codes. */
  readonly packing: Packing;
}

export type Report = (remark: Remark) => void;

/** What a fusion did, or why it did not: `lmg edges` prints these. */
export interface Remark {
  readonly pass: string;
  /** What was found: the add and the norm, say. */
  readonly origin: Origin;
  /** The residual edges that it concerns. */
  readonly edges: readonly EdgePart[];
  readonly outcome:
    | { readonly kind: "fused"; readonly into: string }
    | { readonly kind: "refused"; readonly reason: string; readonly message: string };
}
