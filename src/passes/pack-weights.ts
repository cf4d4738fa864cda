import type { Graph, Node, NodeOf, Origin, Parameter, Value } from "../ir/graph.ts";
import { makeNode, mapOperands, onlyResult } from "../ir/node.ts";
import { invariant } from "../support/invariant.ts";
import { append } from "../support/lists.ts";
import { constantDim, dim } from "../tensor/dim.ts";
import type { Half } from "../tensor/dtype.ts";
import { tensorType } from "../tensor/type.ts";
import { makeInPlace } from "./nodes.ts";
import type { Pass } from "./pass.ts";
import { packedNames, type PackedParameter } from "./packing.ts";

/**
 * parameter w  =>  dequantize(codes, scales, minimums), three parameters in its place. A weight [K, N] of a linear is kept
 * as [N, K], and its linears read it so; the matrices of experts are kept one behind the other. Where the target's products read their rows as 8-bit numbers, linears of a packed
 * weight read round_blocks(x): so the graph says all that kernels compute.
 */
export const packWeights: Pass = {
  name: "pack-weights",
  doc: "keeps the parameters that are chosen as codes with scales, each dequantized where it is read, or as halves",
  run: (graph, { packing, target }) => {
    const { parameters, activations, halves } = packing;
    const found = graph.parameters.some(({ name }) => parameters.has(name));
    const rounds = activations === "int8" && target.activations === "int8";
    return withHalves(found ? new Packer(graph, parameters, rounds).run() : graph, halves);
  },
};

/** Parameters that say which of them are halves: what they are worth stays. */
function withHalves(graph: Graph, halves: ReadonlyMap<string, Half>): Graph {
  if (!graph.parameters.some(({ name }) => halves.has(name))) return graph;
  const parameters = graph.parameters.map((parameter): Parameter => {
    const kept = halves.get(parameter.name);
    return kept === undefined ? parameter : { ...parameter, kept };
  });
  return { ...graph, parameters };
}

class Packer {
  readonly #graph: Graph;
  readonly #packing: ReadonlyMap<string, PackedParameter>;
  readonly #roundsRows: boolean;
  /** What is read in the place of a packed parameter. */
  readonly #matrices = new Map<Value, { readonly matrix: Value; readonly isTransposed: boolean }>();
  readonly #rounded = new Map<Value, Value>();

  constructor(graph: Graph, packing: ReadonlyMap<string, PackedParameter>, roundsRows: boolean) {
    this.#graph = graph;
    this.#packing = packing;
    this.#roundsRows = roundsRows;
  }

  run(): Graph {
    const made: Node[] = [];
    const parameters = this.#graph.parameters.flatMap((parameter) => {
      const packed = this.#packing.get(parameter.name);
      if (packed === undefined) return [parameter];
      const { parts, nodes } = packedParts(parameter, packed);
      this.#matrices.set(parameter.value, {
        matrix: onlyResult(nodes.at(-1)!),
        isTransposed: packed.isTransposed,
      });
      append(made, nodes);
      return parts;
    });
    const nodes = [...made, ...this.#graph.nodes.flatMap((node) => this.#rewritten(node))];
    return { ...this.#graph, parameters, nodes };
  }

  #rewritten(node: Node): readonly Node[] {
    if (node.op === "linear" && this.#matrices.has(node.operands.weight)) return this.#linear(node);
    if (node.op === "routed_linear" && this.#matrices.has(node.operands.weight)) return this.#routed(node);
    const operands = mapOperands(
      node.operands as Readonly<Record<string, Value | undefined | readonly Value[]>>,
      (value) => {
        const found = this.#matrices.get(value);
        invariant(found?.isTransposed !== true, "a transposed weight is read by linears alone");
        return found?.matrix ?? value;
      },
    );
    return [{ ...node, operands } as unknown as Node];
  }

  #linear({ operands, attrs, origin, results }: NodeOf<"linear">): readonly Node[] {
    const { before, x } = this.#rowsFor(operands.x, origin);
    const read = { ...operands, x, weight: this.#matrixFor(operands.weight, attrs.layout) };
    return [...before, makeInPlace("linear", read, { layout: "out_in" }, origin, results)];
  }

  #routed({ operands, attrs, origin, results }: NodeOf<"routed_linear">): readonly Node[] {
    const { before, x } = this.#rowsFor(operands.x, origin);
    const read = { ...operands, x, weight: this.#matrixFor(operands.weight, attrs.layout) };
    return [...before, makeInPlace("routed_linear", read, { layout: "out_in" }, origin, results)];
  }

  #matrixFor(weight: Value, layout: "out_in" | "in_out"): Value {
    const { matrix, isTransposed } = this.#matrices.get(weight)!;
    invariant(isTransposed === (layout === "in_out"), "a weight is packed as its products read it");
    return matrix;
  }

  /** The rows of a product as it reads them, and what makes them, once for all that read the same. */
  #rowsFor(x: Value, origin: Origin): { readonly before: readonly Node[]; readonly x: Value } {
    if (!this.#roundsRows) return { before: [], x };
    const known = this.#rounded.get(x);
    if (known !== undefined) return { before: [], x: known };
    const node = makeNode("round_blocks", { x }, {}, origin);
    this.#rounded.set(x, onlyResult(node));
    return { before: [node], x: onlyResult(node) };
  }
}

/** The parameters in the place of one, and the nodes that make of them what they stand for, a matrix or a stack. */
function packedParts(
  { name, value, span }: Parameter,
  { form: { bits, block, hasMinimums, isNarrow = false, halves }, isTransposed }: PackedParameter,
): { readonly parts: readonly Parameter[]; readonly nodes: readonly Node[] } {
  const shape = value.type.shape.map((size) => constantDim(size)!);
  const stacked = shape.slice(0, -2);
  const [height, columns] = (isTransposed ? shape.toReversed() : shape.slice(-2)) as [number, number];
  const rows = stacked.reduce((product, size) => product * size, height);
  const names = packedNames(name);
  const hint = value.hint ?? name;
  const part = (role: keyof typeof names, type: ReturnType<typeof tensorType>, kept?: Half): Parameter => ({
    name: names[role],
    value: { type, hint: packedNames(hint)[role] },
    init: { kind: "constant", value: 0 },
    trainable: false,
    span,
    ...(kept === undefined ? {} : { kept }),
  });
  const codes = part("codes", tensorType("i32", rows, (columns * bits) / 32));
  const beside = tensorType(value.type.dtype, rows, columns / block);
  const scales = part("scales", beside, halves === undefined ? undefined : "f16");
  const areHalves = halves === "scales and minimums";
  const minimums = hasMinimums ? part("minimums", beside, areHalves ? "f16" : undefined) : undefined;
  const operands = { codes: codes.value, scales: scales.value, minimums: minimums?.value };
  const node = makeNode("dequantize", operands, { bits, block, narrow: isNarrow }, undefined, [hint]);
  const parts = [codes, scales, ...(minimums === undefined ? [] : [minimums])];
  if (stacked.length === 0) return { parts, nodes: [node] };
  const sizes = [...stacked, height, columns].map(dim);
  return { parts, nodes: [node, makeNode("reshape", { x: onlyResult(node) }, { shape: sizes })] };
}
