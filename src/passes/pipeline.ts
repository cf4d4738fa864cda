import type { Graph, Node } from "../ir/graph.ts";
import { verifyGraph } from "../ir/verify.ts";
import { portableTarget, type Target } from "../kernels/target.ts";
import type { OpStage } from "../ops/define.ts";
import { InternalError } from "../support/invariant.ts";
import { canonicalize } from "./canonicalize.ts";
import { deadCode } from "./dead-code.ts";
import { elementwiseChains } from "./elementwise-chains.ts";
import { fuseAddNorm } from "./fuse-add-norm.ts";
import { fusePacked } from "./fuse-packed.ts";
import { fuseNormGrad } from "./fuse-norm-grad.ts";
import { headsLast } from "./heads-last.ts";
import { linearEpilogues } from "./linear-epilogues.ts";
import { lowerEdges } from "./lower-edges.ts";
import { mergeLinears } from "./merge-linears.ts";
import { packWeights } from "./pack-weights.ts";
import { noPacking, type Packing } from "./packing.ts";
import type { Pass, Remark } from "./pass.ts";
import { shareNodes } from "./share.ts";

/** A pass and why it stands where it does. */
interface Stage {
  readonly pass: Pass;
  readonly because: string;
  /** True if it makes one step of several: what `fuse: false` leaves out. */
  readonly fuses: boolean;
}

/** The whole pipeline, in order. */
export const pipeline: readonly Stage[] = [
  {
    pass: lowerEdges,
    because:
      "first: every later pass sees adds and muls, an edge's and those that a model writes itself, alike",
    fuses: false,
  },
  {
    pass: canonicalize,
    because: "before anything is compared or matched: what means the same has one form then",
    fuses: false,
  },
  {
    pass: shareNodes,
    because:
      "after canonicalization, which makes more nodes equal; before fusion, which hides them in kernels",
    fuses: false,
  },
  {
    pass: deadCode,
    because: "before fusion, which asks how many readers a value has",
    fuses: false,
  },
  {
    pass: headsLast,
    because:
      "before fusion: norms and elementwise ops between heads and attention are still nodes to pass by",
    fuses: false,
  },
  {
    pass: packWeights,
    because:
      "after all that asks what reads a weight; before fusion, so that each linear is still a node of its own",
    fuses: false,
  },
  {
    pass: fuseAddNorm,
    because: "before all other fusion: it alone takes gains, out-norms and several branches of an edge along",
    fuses: true,
  },
  {
    pass: fuseNormGrad,
    because: "beside add+norm, whose backward it is: before the add looks like a link of a chain",
    fuses: true,
  },
  {
    pass: mergeLinears,
    because:
      "after add+norm, so that branches' adds no longer look like epilogues; before epilogues, which end linears",
    fuses: true,
  },
  {
    pass: linearEpilogues,
    because: "before chains, as an epilogue saves a store and a load that a chain of its own still does",
    fuses: true,
  },
  {
    pass: fusePacked,
    because:
      "after merges and epilogues, which see plain linears; before chains, as it makes no elementwise op",
    fuses: true,
  },
  {
    pass: elementwiseChains,
    because: "last: it takes what elementwise ops no other kernel took",
    fuses: true,
  },
];

export const passes: readonly Pass[] = pipeline.map(({ pass }) => pass);

export interface PassOptions {
  /**
   * Other passes, in order; then `fuse` has no say. One of one's own stands where `passes` has it among ours, of which
   * `lower-edges` is needed: no kernel adds an edge.
   */
  readonly passes?: readonly Pass[];
  /** False leaves the passes out that make one step of several, for comparison. Default: true. */
  readonly fuse?: boolean;
  /** Whose kernels the graph is made for; what every target can run if it is left out. */
  readonly target?: Target;
  /** The parameters that are kept as codes with scales. */
  readonly packing?: Packing;
  /** Sees the graph after each pass. */
  readonly observe?: (pass: Pass, graph: Graph) => void;
  /** Hears what fused and why not. */
  readonly report?: (remark: Remark) => void;
  /** Checks the graph after each pass; a graph that fails is a bug of that pass. */
  readonly verify?: boolean;
}

/** Runs the passes over a graph as lowering makes it; the result is what a plan is made of. */
export function runPasses(graph: Graph, options: PassOptions = {}): Graph {
  const { report = () => undefined, target = portableTarget, packing = noPacking } = options;
  let current = graph;
  let isLowered = false;
  const whole = new WeakSet<Node>();
  let verified: Graph | undefined;
  for (const pass of selectPasses(options)) {
    current = pass.run(current, { report, target, packing });
    isLowered ||= pass === lowerEdges;
    // A pass that finds nothing to do gives the graph back that it was given; lowering edges forbids ops that it had.
    if (options.verify === true && (current !== verified || pass === lowerEdges))
      requireValid(pass, current, isLowered ? ["core", "gradient", "state", "kernel"] : undefined, whole);
    verified = current;
    options.observe?.(pass, current);
  }
  return current;
}

/** The passes that the options ask for. */
export const selectPasses = ({ passes: given, fuse = true }: PassOptions): readonly Pass[] =>
  given ?? pipeline.filter((stage) => fuse || !stage.fuses).map(({ pass }) => pass);

function requireValid(
  pass: Pass,
  graph: Graph,
  stages: readonly OpStage[] | undefined,
  whole: WeakSet<Node>,
): void {
  const problems = verifyGraph(graph, { whole, ...(stages && { stages }) });
  if (problems.length > 0)
    throw new InternalError(`after the pass ${pass.name}: ${problems.slice(0, 5).join("; ")}`);
}
