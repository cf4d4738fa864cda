import type { Graph, Node, Value } from "../../../ir/graph.ts";
import { operandValues } from "../../../ir/node.ts";
import { tilesOf } from "../../../ir/tiles.ts";
import { constantDim, multiplyDims, sameDim } from "../../../tensor/dim.ts";
import { formOf } from "./calls.ts";
import type { Labels } from "./labels.ts";
import type { Form } from "./words.ts";

/** Parts of a value that fill one axis of it: written as one split. */
export interface Split {
  readonly x: Value;
  readonly parts: readonly Value[];
  readonly call: string;
}

/** A graph as its writer reads it: who makes and reads what, and the form of each node. */
export class Forms {
  readonly graph: Graph;
  readonly labels: Labels;
  readonly #producers = new Map<Value, Node>();
  readonly #order = new Map<Node, number>();
  readonly #users = new Map<Value, Node[]>();
  readonly #outputs: ReadonlySet<Value>;
  readonly #splits = new Map<Value, Split>();
  readonly #forms = new Map<Node, Form>();

  constructor(graph: Graph, labels: Labels) {
    this.graph = graph;
    this.labels = labels;
    this.#outputs = new Set(graph.outputs.map(({ value }) => value));
    for (const [index, node] of graph.nodes.entries()) {
      this.#order.set(node, index);
      for (const value of node.results) this.#producers.set(value, node);
      for (const value of new Set(operandValues(node)))
        this.#users.set(value, [...(this.#users.get(value) ?? []), node]);
    }
    for (const [value, users] of this.#users) this.#findSplit(value, users);
  }

  producer = (value: Value): Node | undefined => this.#producers.get(value);

  users = (value: Value): readonly Node[] => this.#users.get(value) ?? [];

  isOutput = (value: Value): boolean => this.#outputs.has(value);

  orderOf = (node: Node): number => this.#order.get(node)!;

  splitOf = (value: Value): Split | undefined => this.#splits.get(value);

  /** How many times a value is read. */
  uses(value: Value): number {
    let count = this.isOutput(value) ? 1 : 0;
    for (const user of this.users(value))
      count += operandValues(user).filter((each) => each === value).length;
    return count;
  }

  /** Whether a value is only the inside of two nodes that one layer is. */
  isWithin(value: Value): boolean {
    const users = this.users(value);
    if (users.length !== 1 || this.isOutput(value) || this.producer(value) === undefined) return false;
    const form = this.form(users[0]!);
    return "of" in form && !form.of.includes(value);
  }

  /** Which operand of attention a value is, through what turns and shapes it. */
  partOf(value: Value): "q" | "k" | "v" | "bias" | "mask" | undefined {
    let at = value;
    for (let steps = 0; steps < 8; steps++) {
      const [user, ...others] = this.users(at);
      if (user?.op === "attend") {
        const { q, k, v, bias } = user.operands;
        return at === q ? "q" : at === k ? "k" : at === v ? "v" : at === bias ? "bias" : "mask";
      }
      if (user === undefined || others.length > 0) return undefined;
      at = user.results[0]!;
    }
    return undefined;
  }

  form(node: Node): Form {
    const known = this.#forms.get(node);
    if (known !== undefined) return known;
    const form = this.#together(node) ?? formOf(node, this.labels);
    this.#forms.set(node, form);
    return form;
  }

  /** Two nodes that one layer is: heads apart or together, one place of an axis. */
  #together(node: Node): Form | undefined {
    if (node.op !== "permute" && node.op !== "reshape") return undefined;
    const inner = this.producer(node.operands.x);
    if (inner === undefined || this.uses(node.operands.x) !== 1) return undefined;
    const step = (call: string, x: Value): Form => ({ kind: "step", of: [x], call });
    const { shape } = node.results[0]!.type;
    if (node.op === "permute" && inner.op === "reshape" && isHeads(node.attrs.axes)) {
      const [batch, length, heads, width] = inner.attrs.shape;
      const from = inner.operands.x.type.shape;
      const isSplit = from.length === 3 && sameDim(from[0], batch) && sameDim(from[1], length);
      return isSplit && sameDim(from[2], multiplyDims(heads!, width!))
        ? step(`heads(${heads!.key})`, inner.operands.x)
        : undefined;
    }
    if (node.op === "reshape" && inner.op === "permute" && isHeads(inner.attrs.axes)) {
      const [batch, length, heads, width] = inner.results[0]!.type.shape;
      const isJoined = shape.length === 3 && sameDim(shape[0], batch) && sameDim(shape[1], length);
      return isJoined && sameDim(shape[2], multiplyDims(heads!, width!))
        ? step("merge_heads", inner.operands.x)
        : undefined;
    }
    if (node.op !== "reshape" || inner.op !== "slice" || this.splitOf(inner.results[0]!) !== undefined)
      return undefined;
    const { axis, start, size } = inner.attrs;
    const left = inner.results[0]!.type.shape.toSpliced(axis, 1);
    const isOne = constantDim(size) === 1 && constantDim(start) !== undefined;
    const isSelect =
      isOne && left.length === shape.length && left.every((each, at) => sameDim(each, shape[at]));
    return isSelect ? step(`select(${start.key}, axis: ${axis})`, inner.operands.x) : undefined;
  }

  #findSplit(x: Value, users: readonly Node[]): void {
    const tiles = tilesOf(x, users);
    if (tiles === undefined) return;
    const { axis, parts, sizes } = tiles;
    const isEven = sizes.every((size) => size === sizes[0]);
    const place = axis === x.type.shape.length - 1 ? "" : `, axis: ${axis}`;
    const split: Split = {
      x,
      parts,
      call: `split(${isEven ? sizes.length : `[${sizes.join(", ")}]`}${place})`,
    };
    for (const part of split.parts) this.#splits.set(part, split);
  }
}

const isHeads = (axes: readonly number[]): boolean => axes.join() === "0,2,1,3";
