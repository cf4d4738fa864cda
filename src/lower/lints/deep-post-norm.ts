import type { Graph } from "../../ir/graph.ts";
import type { LoweredTrain } from "../train/train.ts";
import type { Lint } from "./lint.ts";
import { hasNorm, noStack, stacksOf, type Join, type Stack } from "./stack.ts";

/**
 * Six layers of attention and feed-forward block. Each norm behind an add passes on about 1/√2 of the gradient of what the
 * edge carries, so 12 edges shrink it 64 times towards the input; that many already fail without warmup: 8.45 BLEU in the
 * place of 34 (Xiong et al. 2020, section 3.1, the post-norm Transformer on IWSLT14).
 */
const LEAST_EDGES = 12;

/** A deep post-norm stack with neither gains (DeepNorm) nor warmup. Nothing is said of a model without `train`. */
export const deepPostNorm: Lint = {
  code: "W302",
  find: ({ graph, train }) => {
    if (train === undefined || hasWarmup(train)) return [];
    const { count, last } = deepest(graph);
    if (count < LEAST_EDGES || last === undefined) return [];
    return [
      {
        spans: last.node.origin.spans,
        message: `${count} edges in a row have their norm behind the add, and \`train\` has no warmup`,
        label: "the last of them",
        help:
          "gradients shrink towards the input of such a stack: `schedule cosine(warmup: 1000)`, " +
          "or a gain on what the edges carry, `skip (2 * depth) ^ 0.25` (DeepNorm), or `pre` norms",
      },
    ];
  },
};

const hasWarmup = ({ schedule }: LoweredTrain): boolean => Number(schedule?.options["warmup"] ?? 0) > 0;

function deepest(graph: Graph): Stack {
  const counts = (join: Join): boolean => !join.isGained && hasNorm(join, "post");
  const stacks = stacksOf(graph, counts, () => false);
  return graph.outputs
    .map(({ value }) => stacks.get(value) ?? noStack)
    .reduce((most, stack) => (stack.count > most.count ? stack : most), noStack);
}
