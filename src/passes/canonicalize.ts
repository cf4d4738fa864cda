import type { Graph, Node, Value } from "../ir/graph.ts";
import { withOperands } from "../ir/node.ts";
import { replaceValues } from "../ir/walk.ts";
import { invariant } from "../support/invariant.ts";
import { sameType } from "../tensor/type.ts";
import { loadTimeValues } from "./facts.ts";
import type { Pass } from "./pass.ts";
import { removeDeadNodes } from "./nodes.ts";
import { foldConstants } from "./rules/fold.ts";
import { algebraRules } from "./rules/algebra.ts";
import { layoutRules } from "./rules/layout.ts";
import { productRules } from "./rules/product.ts";
import type { Facts, Rule } from "./rules/rule.ts";

/** In the order in which they are tried. Each makes a graph smaller or simpler, so trying again ends. */
const rules: readonly Rule[] = [foldConstants, ...algebraRules, ...layoutRules, ...productRules];

/** More rewrites of one node than any chain of rules makes: reaching it means that two rules undo each other. */
const MAX_REWRITES = 16;

export const canonicalize: Pass = {
  name: "canonicalize",
  doc: "exact algebra, constants folded, shape changes that cancel removed: one form for what means the same",
  run: (graph) => removeDeadNodes(new Rewriting(graph).run()),
};

/** One walk in order: operands are simple before their readers are looked at, so a chain collapses at once. */
class Rewriting {
  readonly #graph: Graph;
  readonly #producers = new Map<Value, Node>();
  readonly #facts: Facts;
  readonly #same = new Map<Value, Value>();
  readonly #nodes: Node[] = [];
  #isChanged = false;

  constructor(graph: Graph) {
    this.#graph = graph;
    const loadTime = loadTimeValues(graph);
    this.#facts = {
      producer: (value) => this.#producers.get(value),
      isLoadTime: (value) => loadTime.has(value),
    };
  }

  run(): Graph {
    for (const node of this.#graph.nodes)
      this.#visit(withOperands(node, (value) => this.#same.get(value) ?? value));
    if (!this.#isChanged) return this.#graph;
    return replaceValues({ ...this.#graph, nodes: this.#nodes }, this.#same);
  }

  #visit(node: Node): void {
    const simpler = this.#simplify(node);
    this.#isChanged ||= simpler !== node;
    if (!("op" in simpler)) {
      this.#same.set(node.results[0]!, simpler);
      return;
    }
    this.#nodes.push(simpler);
    for (const value of simpler.results) this.#producers.set(value, simpler);
  }

  /** The node after all rules, or the value that stands for its result. */
  #simplify(node: Node): Node | Value {
    let current = node;
    for (let count = 0; count < MAX_REWRITES; count++) {
      const next = firstRewrite(current, this.#facts);
      if (next === undefined) return current;
      if (!("op" in next)) {
        invariant(sameType(next.type, current.results[0]!.type), `a rule changes the type of ${current.op}`);
        return next;
      }
      current = next;
    }
    invariant(false, `the rules for ${node.op} do not come to an end`);
  }
}

function firstRewrite(node: Node, facts: Facts): Node | Value | undefined {
  for (const rule of rules) {
    const next = rule(node, facts);
    if (next !== undefined) return next;
  }
  return undefined;
}
