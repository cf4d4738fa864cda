import type { Graph, Node, NodeOf, Value } from "../../ir/graph.ts";
import { namedOperands } from "../../ir/node.ts";
import { isScalarName } from "../../ops/scalar.ts";
import { constantDim } from "../../tensor/dim.ts";
import { isCoreNode } from "../facts/along.ts";
import type { Run } from "../facts/fact.ts";
import type { Facts } from "../facts/facts.ts";

/**
 * By how much all elements of a value change when every position is one further, if they change alike: 1 of a position, 0
 * of a distance, and of what no position reaches. Undefined where they do not, as of sines, tables and sums over positions.
 * Only of values that no token reaches.
 */
export class Drifts {
  readonly #facts: Facts;
  readonly #drifts = new Map<Value, number | undefined>();

  constructor(graph: Graph, facts: Facts) {
    this.#facts = facts;
    for (const { value } of [...graph.parameters, ...graph.inputs]) this.#drifts.set(value, 0);
    for (const node of graph.nodes)
      for (const result of node.results) this.#drifts.set(result, this.#ofNode(node, result));
  }

  of(value: Value): number | undefined {
    return this.#drifts.get(value);
  }

  #ofNode(node: Node, result: Value): number | undefined {
    const { known, reach } = this.#facts.of(result);
    if (known !== undefined || !reach.length) return 0;
    if (!isCoreNode(node)) return undefined;
    switch (node.op) {
      case "iota":
        return constantDim(node.attrs.start) !== undefined && this.#isText(result) ? 1 : undefined;
      case "relative_bucket":
        return this.#isText(result) ? 0 : undefined;
      case "reshape":
      case "permute":
      case "broadcast":
        return this.of(node.operands.x);
      case "cast":
        return node.attrs.dtype === "bool" ? this.#still([node.operands.x]) : this.of(node.operands.x);
      case "slice":
        return this.#ofSlice(node, result);
      case "concat":
      case "linear":
      case "embedding":
        return this.#still(this.#operandsOf(node));
      default:
        return isScalarName(node.op) ? this.#ofFunction(node) : undefined;
    }
  }

  /** Whether no rows stand before or after the text, which would not move with it. */
  #isText(value: Value): boolean {
    return [...this.#facts.of(value).axes.values()].every(isWhole);
  }

  /** 0 if that is what all of some values have. */
  #still(values: readonly Value[]): 0 | undefined {
    return values.every((value) => this.of(value) === 0) ? 0 : undefined;
  }

  #operandsOf = (node: Node): Value[] => Object.values(namedOperands(node)).flatMap((each) => each ?? []);

  /** Cut along other axes, or where the cut moves with the text. */
  #ofSlice(node: NodeOf<"slice">, result: Value): number | undefined {
    const { x } = node.operands;
    const { axis, start } = node.attrs;
    const [from, to] = [x, result].map((value) => this.#facts.of(value).axes.get(axis));
    const isNewest = to === undefined && constantDim(start) === undefined;
    if (from === undefined) return to === undefined ? this.of(x) : undefined;
    return isNewest || keepsFront(from, to, constantDim(start)) ? this.of(x) : undefined;
  }

  #ofFunction(node: Node): number | undefined {
    const operands = this.#operandsOf(node);
    const drifts = operands.map((value) => this.of(value));
    const [x, y] = drifts;
    const knowns = operands.map((value) => this.#facts.of(value).known);
    if (drifts.every((drift) => drift === 0)) return 0;
    switch (node.op) {
      case "neg":
        return x && -x;
      case "add":
        return x === undefined || y === undefined ? undefined : x + y;
      case "sub":
        return x === undefined || y === undefined ? undefined : x - y;
      case "mul":
        return scaled(x, knowns[1]) ?? scaled(y, knowns[0]);
      case "div":
        return knowns[1] === undefined || knowns[1] === 0 ? undefined : scaled(x, 1 / knowns[1]);
      case "min":
      case "max":
        return x === y ? x : undefined;
      case "lt":
      case "le":
      case "gt":
      case "ge":
      case "eq":
      case "ne":
        return x !== undefined && x === y ? 0 : undefined;
      case "where":
        return x === 0 && y === drifts[2] ? y : undefined;
      default:
        return undefined;
    }
  }
}

const isWhole = (run: Run): boolean => run.kind === "rows" && run.lead === 0 && run.trail === 0;

/** Whether a cut leaves the rows in front of a text, or takes all of them away. */
export const keepsFront = (from: Run, to: Run | undefined, start: number | undefined): boolean =>
  from.kind === "rows" && to?.kind === "rows" && (start === 0 ? to.lead === from.lead : start === from.lead);

const scaled = (drift: number | undefined, by: number | undefined): number | undefined =>
  drift === undefined || by === undefined ? undefined : drift * by;
