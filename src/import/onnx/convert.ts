import { heldAs } from "../../checkpoint/onnx/held.ts";
import { dtypeBytes } from "../../tensor/dtype.ts";
import type { StoredTensor } from "../../checkpoint/stored.ts";
import type { Graph, Input, Parameter, SymbolDeclaration, Value } from "../../ir/graph.ts";
import { makeValue } from "../../ir/node.ts";
import { DimTooLarge, symbolsOf, type Dim } from "../../tensor/dim.ts";
import { tensorType } from "../../tensor/type.ts";
import { invariant } from "../../support/invariant.ts";
import { NoForm, type ConvertedGraph } from "./graph.ts";
import type { OnnxInput, OnnxModel, OnnxNode } from "./model.ts";
import { convertSizes } from "./ops/sizes.ts";
import { onnxOps } from "./ops/table.ts";
import { Site, type Meaning } from "./site.ts";
import { symbolsFor } from "./symbols.ts";
import { Unread } from "./unread.ts";

/** A node that lmg has no form for. */
export interface Refusal {
  readonly node: OnnxNode;
  /** What of it there is no form for; undefined for the op itself. */
  readonly what: string | undefined;
}

/** Writes each node of a model as core ops; what there is no form for is given back, all of it. Of `past` all is 0, or nothing. */
export function convert(
  model: OnnxModel,
  past: readonly OnnxInput[] = [],
): ConvertedGraph | readonly Refusal[] {
  const converter = new Converter(model, past);
  return converter.run();
}

class Converter {
  readonly #model: OnnxModel;
  readonly #meanings: Map<string, Meaning>;
  readonly #inputs: readonly Input[];
  readonly #parameters = new Map<string, Parameter>();
  readonly #tensors = new Map<string, StoredTensor>();
  readonly #site: Site;
  readonly #refused: Refusal[] = [];

  constructor(model: OnnxModel, past: readonly OnnxInput[]) {
    this.#model = model;
    const symbols = symbolsFor([...model.inputs, ...past]);
    this.#inputs = model.inputs.map((input, index) => inputOf(input, symbols[index]!));
    this.#meanings = new Map<string, Meaning>([
      ...model.tensors,
      ...this.#inputs.map(({ name, value }) => [name, value] as const),
    ]);
    this.#site = new Site(model.opset, this.#meanings, (name, tensor) => this.#own(name, tensor));
    for (const [index, { name, dtype }] of past.entries())
      this.#meanings.set(name, this.#site.full(symbols[model.inputs.length + index]!, heldAs(dtype), 0));
  }

  run(): ConvertedGraph | readonly Refusal[] {
    for (const node of this.#model.nodes) this.#convert(node);
    if (this.#refused.length > 0) return this.#refused;
    const outputs = this.#model.outputs.map((name) => ({
      name,
      value: this.#site.named(name),
      span: undefined,
    }));
    const graph: Graph = {
      name: "model",
      symbols: declared(this.#inputs),
      inputs: this.#inputs,
      parameters: [...this.#parameters.values()],
      states: [],
      nodes: this.#site.nodes,
      outputs,
      edges: [],
    };
    return { graph, tensors: this.#tensors };
  }

  #convert(node: OnnxNode): void {
    const key = node.domain === "" ? node.op : `${node.domain}.${node.op}`;
    const op = Object.hasOwn(onnxOps, key) ? onnxOps[key] : undefined;
    if (op === undefined) {
      this.#refused.push({ node, what: undefined });
      return;
    }
    // What reads a value that was refused is refused for nothing of its own.
    if (node.inputs.some((name) => name !== "" && !this.#meanings.has(name))) return;
    this.#site.node = node;
    this.#site.label = node.scope;
    try {
      const made = convertSizes(this.#site) ?? op(this.#site);
      const results = Array.isArray(made) ? (made as readonly Meaning[]) : [made as Meaning];
      node.outputs.forEach((name, index) => {
        if (name !== "" && results[index] !== undefined) this.#meanings.set(name, results[index]);
      });
    } catch (error) {
      const isKnown = error instanceof NoForm || error instanceof DimTooLarge || error instanceof Unread;
      if (!isKnown) throw error;
      this.#refused.push({ node, what: error.message });
    }
  }

  /** A tensor of the file as a parameter, by its name there. */
  #own(name: string, tensor: StoredTensor): Value {
    const known = this.#parameters.get(name);
    if (known !== undefined) return known.value;
    const value = makeValue(tensorType(heldAs(tensor.dtype), ...tensor.shape), undefined);
    invariant(tensor.bytes.length % dtypeBytes[tensor.dtype] === 0, "a tensor has broken elements");
    const init = { kind: "constant", value: 0 } as const;
    this.#parameters.set(name, { name, value, init, trainable: true, span: undefined });
    this.#tensors.set(name, tensor);
    return value;
  }
}

const inputOf = ({ name, dtype }: OnnxInput, shape: readonly Dim[]): Input => ({
  name,
  value: makeValue(tensorType(heldAs(dtype), ...shape), name),
  fill: undefined,
  span: undefined,
});

/** The run-time sizes in the order in which inputs have them. */
function declared(inputs: readonly Input[]): readonly SymbolDeclaration[] {
  const names = inputs.flatMap(({ value }) => value.type.shape.flatMap((size) => [...symbolsOf(size)]));
  return [...new Set(names)].map((name) => ({ name }));
}
