import type { Graph, Node, NodeOf, Value } from "../ir/graph.ts";
import { operandValues } from "../ir/node.ts";
import { producersOf, resultValues, usersOf } from "../ir/walk.ts";
import { isScalarName } from "../ops/scalar.ts";
import { hasTrait } from "../ops/table.ts";
import { constantDim } from "../tensor/dim.ts";
import { isFloat } from "../tensor/dtype.ts";
import { ROW_UNIT } from "../tensor/quantized.ts";
import { STACK_ROWS } from "../tensor/whole-codes.ts";

/** Why a parameter stays as it is: a closed list. */
export const keptReasons = {
  no_matrix: "it has not two axes: a norm, a bias, a convolution, a state-space parameter",
  other_reader: "another op than linears and embeddings reads it",
  two_ways: "linears read it in both layouts",
  rows: `its rows are no multiple of ${ROW_UNIT}`,
  positions: "it is a table of positions, which no input chooses",
  router: "what it gives chooses experts",
  expert_bias: "it has biases of experts, of which a router chooses",
  expert_rows: `the rows of each of its matrices are no multiple of ${STACK_ROWS}`,
} as const;

export type KeptReason = keyof typeof keptReasons;

/** What a matrix that may be packed is for, or a stack of them for experts. A table that a head shares is an embedding. */
export type MatrixRole = "linear" | "embedding" | "head" | "experts";

export interface Chosen {
  readonly role: MatrixRole;
  /** It lies [in, out]. */
  readonly isTransposed: boolean;
}

export interface Choice {
  readonly chosen: ReadonlyMap<string, Chosen>;
  readonly kept: ReadonlyMap<string, KeptReason>;
}

/** Which parameters of a model may be kept as codes, and why the others are not. */
export function chooseParameters(graph: Graph): Choice {
  const chosen = new Map<string, Chosen>();
  const kept = new Map<string, KeptReason>();
  const choosing = new Choosing(graph);
  for (const { name, value } of graph.parameters) {
    const found = choosing.of(value);
    if (typeof found === "string") kept.set(name, found);
    else chosen.set(name, found);
  }
  return { chosen, kept };
}

class Choosing {
  readonly #users: ReadonlyMap<Value, readonly Node[]>;
  readonly #producers: ReturnType<typeof producersOf>;
  readonly #outputs: ReadonlySet<Value>;
  readonly #parameters: ReadonlySet<Value>;

  constructor(graph: Graph) {
    this.#users = usersOf(graph);
    this.#producers = producersOf(graph);
    this.#outputs = resultValues(graph);
    this.#parameters = new Set(graph.parameters.map(({ value }) => value));
  }

  of(value: Value): Chosen | KeptReason {
    const { dtype, shape } = value.type;
    const readers = [...new Set(this.#users.get(value))];
    if (shape.length === 3 && isFloat(dtype) && readers.some(({ op }) => op === "routed_linear"))
      return this.#expertsOf(value, readers);
    if (shape.length !== 2 || !isFloat(dtype)) return "no_matrix";
    const linears = readers.filter(
      (node): node is NodeOf<"linear"> => node.op === "linear" && node.operands.weight === value,
    );
    const lookups = readers.filter(
      (node): node is NodeOf<"embedding"> => node.op === "embedding" && node.operands.table === value,
    );
    if (readers.length === 0 || linears.length + lookups.length < readers.length || this.#outputs.has(value))
      return "other_reader";
    const upright = linears.filter(({ attrs }) => attrs.layout === "out_in").length;
    const isTransposed = lookups.length === 0 && upright === 0;
    if (!isTransposed && upright < linears.length) return "two_ways";
    const columns = constantDim(shape[isTransposed ? 0 : 1]!);
    if (columns === undefined || columns % ROW_UNIT !== 0) return "rows";
    if (lookups.some((node) => !this.#isChosenByInput(node.operands.ids))) return "positions";
    if (lookups.some((node) => this.#isChosenByRouter(node.operands.ids))) return "expert_bias";
    if (linears.some((node) => this.#reaches(node, (reader) => reader.op === "topk"))) return "router";
    const isHead = linears.some((node) => this.#isShown(node));
    const role = lookups.length > 0 ? "embedding" : isHead ? "head" : "linear";
    return { role, isTransposed };
  }

  /** A stack of matrices [E, N, K], or [E, K, N]. */
  #expertsOf(value: Value, readers: readonly Node[]): Chosen | KeptReason {
    const products = readers.filter(
      (node): node is NodeOf<"routed_linear"> =>
        node.op === "routed_linear" && node.operands.weight === value && node.operands.x !== value,
    );
    if (products.length < readers.length || this.#outputs.has(value)) return "other_reader";
    const upright = products.filter(({ attrs }) => attrs.layout === "out_in").length;
    const isTransposed = upright === 0;
    if (!isTransposed && upright < products.length) return "two_ways";
    const [, ...sizes] = value.type.shape.map(constantDim);
    const [rows, columns] = isTransposed ? sizes.toReversed() : sizes;
    if (columns === undefined || columns % ROW_UNIT !== 0) return "rows";
    if (rows === undefined || rows % STACK_ROWS !== 0) return "expert_rows";
    return { role: "experts", isTransposed };
  }

  /** Whether ids are those that a router likes best, however they are shaped. */
  #isChosenByRouter(ids: Value): boolean {
    const node = this.#producers.get(ids)?.node;
    if (node === undefined) return false;
    return (
      node.op === "topk" ||
      (hasTrait(node.op, "view") && operandValues(node).some((value) => this.#isChosenByRouter(value)))
    );
  }

  /** Whether ids come of an input, at any depth. */
  #isChosenByInput(ids: Value): boolean {
    const node = this.#producers.get(ids)?.node;
    if (node === undefined) return !this.#parameters.has(ids);
    return operandValues(node).some((value) => this.#isChosenByInput(value));
  }

  /** What is read of a node's results through functions of numbers and moves, until an op that mixes elements. */
  #reaches(node: Node, isWanted: (reader: Node) => boolean): boolean {
    return node.results.some((value) =>
      (this.#users.get(value) ?? []).some(
        (reader) => isWanted(reader) || (isPassedBy(reader) && this.#reaches(reader, isWanted)),
      ),
    );
  }

  /** Whether the result, or what functions of numbers make of it, is an output. */
  #isShown(node: Node): boolean {
    return node.results.some(
      (value) =>
        this.#outputs.has(value) ||
        (this.#users.get(value) ?? []).some((reader) => isScalarName(reader.op) && this.#isShown(reader)),
    );
  }
}

/** Ops between a router and its choice. */
const isPassedBy = ({ op }: Node): boolean =>
  isScalarName(op) || hasTrait(op, "view") || ["cast", "softmax", "log_softmax"].includes(op);
