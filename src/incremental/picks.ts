import { noOrigin, type Graph, type Node, type Value } from "../ir/graph.ts";
import { makeNode, makeValue, onlyResult, type GivenAttributes } from "../ir/node.ts";
import type { Program } from "../ir/program.ts";
import type { OpName, OperandsOf } from "../ops/table.ts";
import { constantDim, dim, sameDim, symbolDim } from "../tensor/dim.ts";
import type { Dtype } from "../tensor/dtype.ts";
import { tensorType, type TensorType } from "../tensor/type.ts";
import type { Decoding } from "./program.ts";
import { declared } from "./symbols.ts";

/** What parts tell of logits, whose place in memory they share with those that make them. */
export interface Picks {
  /** How many logits there are, and how many of the largest are told. */
  readonly size: number;
  readonly top: number;
  readonly parts: Program["parts"];
}

/** The input of the parts that is no caller's: it is copied where it lies. */
export const PICKED = "logits";

/** So many of the largest as nearly all draws are among, in a kilobyte with their ids. */
const MOST = 128;

/** The largest number of 32 bits. */
const LARGEST = 3.4028234663852886e38;

/**
 * Parts that tell of the logits of a program, for targets from which copying all of them takes long; none where they are not
 * a row of floats for each text, or where the text is not all that a token is read with.
 *
 * - `best`: the likeliest token, the first of equal ones; -1 where some logit is NaN or infinity.
 * - `top`: the largest logits; Σ e^((logit - largest) / temperature) over those below the last of them, and how many are equal
 *   to it; the logits of ids that are asked for.
 */
export function picksOf({ program, dims }: Decoding, logits: string | undefined): Picks | undefined {
  const { append, step } = program.parts;
  const made = step?.outputs.find(({ name }) => name === logits)?.value.type;
  const size = made === undefined ? undefined : constantDim(made.shape.at(-1)!);
  const isText = append?.inputs.length === 1 && made?.dtype === "f32";
  if (size === undefined || !isText) return undefined;
  // One row for each text: [1, V], or [B, 1, V].
  const [rows, ...batch] = made.shape.slice(0, -1).reverse();
  if (!sameDim(rows, dim(1)) || batch.length > 1 || batch.some(({ key }) => key === dims.added))
    return undefined;
  const top = Math.min(MOST, size);
  return { size, top, parts: { best: bestPart(program.name, size), top: topPart(program.name, size, top) } };
}

/** A graph while it is made. */
class Maker {
  readonly nodes: Node[] = [];

  all<K extends OpName>(
    op: K,
    operands: OperandsOf<K, Value>,
    attrs: GivenAttributes<K> = {},
  ): readonly Value[] {
    const node = makeNode(op, operands, attrs, noOrigin) as Node;
    this.nodes.push(node);
    return node.results;
  }

  one<K extends OpName>(op: K, operands: OperandsOf<K, Value>, attrs: GivenAttributes<K> = {}): Value {
    this.all(op, operands, attrs);
    return onlyResult(this.nodes.at(-1)!);
  }

  number(value: number, dtype: Dtype = "f32"): Value {
    return this.one("full", {}, { dtype, shape: [], value });
  }

  graph(
    name: string,
    inputs: Readonly<Record<string, Value>>,
    outputs: Readonly<Record<string, Value>>,
  ): Graph {
    const named = <T>(values: Readonly<Record<string, Value>>, more: T) =>
      Object.entries(values).map(([name, value]) => ({ name, value, span: undefined, ...more }));
    const graph: Graph = {
      name,
      symbols: [],
      inputs: named(inputs, { fill: undefined }),
      parameters: [],
      states: [],
      nodes: this.nodes,
      outputs: named(outputs, {}),
      edges: [],
    };
    return declared(graph, [{ name: ASKED }]);
  }
}

/** The size that says how many ids are asked for. */
const ASKED = "Asked";

const input = (name: string, type: TensorType): Value => makeValue(type, name);

function bestPart(name: string, size: number): Graph {
  const make = new Maker();
  const logits = input(PICKED, tensorType("f32", size));
  const [largest, id] = make.all("topk", { x: logits }, { k: 1 }) as readonly [Value, Value];
  // Of floats NaN is the largest.
  const isNumber = make.one("le", { x: largest, y: make.number(LARGEST) });
  const best = make.one("where", { condition: isNumber, x: id, y: make.number(-1, "i32") });
  return make.graph(`${name}.best`, { [PICKED]: logits }, { id: best });
}

function topPart(name: string, size: number, top: number): Graph {
  const make = new Maker();
  const logits = input(PICKED, tensorType("f32", size));
  const temperature = input("temperature", tensorType("f32", 1));
  const asked = input("asked", tensorType("i32", symbolDim(ASKED)));
  const [values, ids] = make.all("topk", { x: logits }, { k: top }) as readonly [Value, Value];
  const at = (rank: number): Value =>
    make.one("slice", { x: values }, { axis: 0, start: dim(rank), size: dim(1) });
  const [first, last] = [at(0), at(top - 1)];
  const distance = make.one("sub", { x: logits, y: first });
  const weight = make.one("exp", { x: make.one("div", { x: distance, y: temperature }) });
  const isBelow = make.one("lt", { x: logits, y: last });
  const rest = make.one("where", { condition: isBelow, x: weight, y: make.number(0) });
  const isEqual = make.one("cast", { x: make.one("eq", { x: logits, y: last }) }, { dtype: "i32" });
  const sum = (x: Value): Value => make.one("reduce_sum", { x }, { axes: [0], keep: true });
  const table = make.one("reshape", { x: logits }, { shape: [dim(size), dim(1)] });
  return make.graph(
    `${name}.top`,
    { [PICKED]: logits, temperature, asked },
    {
      values,
      ids,
      below: sum(rest),
      equal: sum(isEqual),
      of_asked: make.one("embedding", { table, ids: asked }),
    },
  );
}
