import type { Graph, Input, Parameter, State, Value } from "../../../src/ir/graph.ts";
import { makeNode, makeValue, type GivenAttributes } from "../../../src/ir/node.ts";
import type { OpName, OperandsOf } from "../../../src/ops/table.ts";
import { symbolDim, symbolsOf, type Dim } from "../../../src/tensor/dim.ts";
import type { Dtype } from "../../../src/tensor/dtype.ts";
import { tensorType, type TensorType } from "../../../src/tensor/type.ts";

export const [B, T, S] = ["B", "T", "S"].map(symbolDim) as [Dim, Dim, Dim];

type Size = Dim | number;

export const f32 = (...shape: readonly Size[]): TensorType => tensorType("f32", ...shape);
export const i32 = (...shape: readonly Size[]): TensorType => tensorType("i32", ...shape);
export const bool = (...shape: readonly Size[]): TensorType => tensorType("bool", ...shape);
export const of = (dtype: Dtype, ...shape: readonly Size[]): TensorType => tensorType(dtype, ...shape);

/** Builds a graph whose inputs are made as they are named; what `build` returns are its outputs. */
export class GraphBuilder {
  readonly #inputs: Input[] = [];
  readonly #parameters: Parameter[] = [];
  readonly #states = new Map<Value, State>();
  readonly #nodes: Graph["nodes"][number][] = [];

  input(type: TensorType, name = `x${this.#inputs.length}`): Value {
    const value = makeValue(type, name);
    this.#inputs.push({ name, value, fill: undefined, span: undefined });
    return value;
  }

  parameter(type: TensorType, name = `p${this.#parameters.length}`): Value {
    const value = makeValue(type, name);
    const init = { kind: "uniform", low: -1, high: 1 } as const;
    this.#parameters.push({ name, value, init, trainable: true, span: undefined });
    return value;
  }

  /** A state, all 7 at first; what it becomes is told by `keep`. */
  state(type: TensorType, name = `s${this.#states.size}`): Value {
    const value = makeValue(type, name);
    const init = { kind: "constant", value: 7 } as const;
    this.#states.set(value, { name, value, next: value, kind: "kept", init, span: undefined });
    return value;
  }

  keep(state: Value, next: Value): void {
    this.#states.set(state, { ...this.#states.get(state)!, next });
  }

  node<K extends OpName>(op: K, operands: OperandsOf<K, Value>, attrs: GivenAttributes<K>): readonly Value[] {
    const node = makeNode(op, operands, attrs);
    this.#nodes.push(node as Graph["nodes"][number]);
    return node.results;
  }

  graph(outputs: readonly Value[]): Graph {
    const names = new Set(
      this.#inputs.flatMap(({ value }) => value.type.shape.flatMap((size) => [...symbolsOf(size)])),
    );
    return {
      name: "case",
      symbols: [...names].map((name) => ({ name })),
      inputs: this.#inputs,
      parameters: this.#parameters,
      nodes: this.#nodes,
      outputs: outputs.map((value, index) => ({ name: `out${index}`, value, span: undefined })),
      states: [...this.#states.values()],
      edges: [],
    };
  }
}

/** Operands of add_norm that are vectors of a model, and so parameters. */
const vectors: ReadonlySet<string> = new Set(["bias", "weights", "biases"]);

type Types<K extends OpName> = OperandsOf<K, TensorType>;

/** A graph of one op, all of whose operands are inputs. */
export function graphOf<K extends OpName>(op: K, types: Types<K>, attrs: GivenAttributes<K>): Graph {
  const builder = new GraphBuilder();
  const operands: Record<string, Value | undefined | readonly Value[]> = {};
  for (const [name, type] of Object.entries(
    types as Record<string, TensorType | undefined | readonly TensorType[]>,
  )) {
    const made = (each: TensorType, wish: string): Value =>
      op === "add_norm" && vectors.has(name) ? builder.parameter(each, wish) : builder.input(each, wish);
    operands[name] = Array.isArray(type)
      ? (type as readonly TensorType[]).map((each, index) => made(each, `${name}${index}`))
      : type && made(type as TensorType, name);
  }
  return builder.graph(builder.node(op, operands as OperandsOf<K, Value>, attrs));
}
