import { append, largest } from "../../../support/lists.ts";
import type { Graph, Input, Node, Value } from "../../../ir/graph.ts";
import { operandValues } from "../../../ir/node.ts";
import { constantDim, symbolsOf } from "../../../tensor/dim.ts";
import type { TensorType } from "../../../tensor/type.ts";
import { sizes } from "./words.ts";
import { Expressions, valueName, type Scope } from "./expressions.ts";
import { Forms } from "./forms.ts";
import { Unique, type Labels } from "./labels.ts";
import { Regions, type Piece } from "./regions.ts";
import { rolled } from "./rolled.ts";

export interface WrittenModel {
  readonly text: string;
  /** How many of its adds are residual edges. */
  readonly edges: number;
  /** What inputs and outputs are called in the text, by the names of the file. */
  readonly names: ReadonlyMap<string, string>;
}

/** A graph as a `.lmg` text. Throws NoForm for what the language has no words for. */
export function writeModel(graph: Graph, labels: Labels, name: string, from: string): WrittenModel {
  return new ModelWriter(graph, labels).write(name, from);
}

class ModelWriter {
  readonly #graph: Graph;
  readonly #forms: Forms;
  readonly #expressions: Expressions;
  readonly #regions: Regions;
  readonly #scope: Scope;
  readonly #names = new Map<string, string>();

  constructor(graph: Graph, labels: Labels) {
    this.#graph = graph;
    this.#forms = new Forms(graph, labels);
    this.#expressions = new Expressions(this.#forms);
    this.#regions = new Regions(this.#forms, this.#expressions);
    const roots = [...labels.owners.values()].map(({ label }) => label.split(".")[0]!);
    const taken = new Unique([...roots, ...[...labels.free.values()].map((label) => label.split(".")[0]!)]);
    this.#scope = { names: new Map(), taken, stream: undefined };
  }

  write(name: string, from: string): WrittenModel {
    const { inputs, outputs } = this.#graph;
    const declared = inputs.map((input) => this.#declared(input));
    const ends = outputs.map((output) => {
      const text = this.#scope.taken.take(valueName(output.name));
      this.#names.set(output.name, text);
      return { ...output, text };
    });
    const [main, ...others] = ends;
    const shared = this.#sharedParameters();
    const trunk = this.#mainTrunk(main!.value);
    const body: Piece[] = [];
    if (trunk === undefined) body.push(this.#byName(main!));
    else {
      append(body, this.#ambient(trunk));
      // A model of one input begins with it as its stream.
      const stream = inputs.length === 1 ? trunk[0] : undefined;
      append(body, this.#regions.pieces(trunk, { ...this.#scope, stream }));
      body.push([`output ${main!.text}: ${typeText(main!.value.type)}`]);
    }
    for (const other of others) body.push(this.#byName(other));
    const lines = [...declared, ...shared, ...rolled(body)];
    const text = `// From ${from}\nmodel ${name} {\n${lines.join("\n")}\n}\n`;
    return { text, edges: this.#regions.edges, names: this.#names };
  }

  #declared({ name, value }: Input): string {
    const text = this.#scope.taken.take(valueName(name));
    this.#names.set(name, text);
    this.#scope.names.set(value, text);
    return `input ${text}: ${typeText(value.type, this.#bounds())}`;
  }

  /** The most that a size may be: as many as a table of positions has. */
  #bounds(): ReadonlyMap<string, number> {
    const bounds = new Map<string, number>();
    for (const node of this.#graph.nodes) {
      const limited = limitOf(node, this.#forms);
      if (limited !== undefined)
        bounds.set(limited.symbol, Math.min(limited.most, bounds.get(limited.symbol) ?? Infinity));
    }
    return bounds;
  }

  /** Parameters that several nodes read have a name at the beginning. */
  #sharedParameters(): readonly string[] {
    return [...this.#forms.labels.free].flatMap(([value, label]) => {
      if (this.#forms.uses(value) < 2) return [];
      const name = this.#scope.taken.take(valueName(label.split(".").at(-1)!));
      this.#scope.names.set(value, name);
      return [`${name} = ${label}: parameter(${sizes(value.type.shape)})`];
    });
  }

  /** The trunk from the input that most of the model is made of. */
  #mainTrunk(end: Value): readonly Value[] | undefined {
    const counts = this.#graph.inputs.map(({ value }) => {
      const made = new Set<Value>([value]);
      for (const node of this.#graph.nodes)
        if (operandValues(node).some((each) => made.has(each)))
          node.results.forEach((each) => made.add(each));
      return made.has(end) ? made.size : 0;
    });
    const most = largest(counts);
    return most === 0 ? undefined : this.#regions.trunk(this.#graph.inputs[counts.indexOf(most)]!.value, end);
  }

  /** What is not made of the trunk and read several times: masks and positions, which all layers share. */
  #ambient(trunk: readonly Value[]): readonly Piece[] {
    const made = new Set<Value>([trunk[0]!]);
    const lines: Piece[] = [];
    for (const node of this.#graph.nodes) {
      const operands = operandValues(node);
      const [result] = node.results;
      if (operands.some((each) => made.has(each))) node.results.forEach((each) => made.add(each));
      else if (this.#isShared(node, made)) lines.push(this.#expressions.bound(result!, this.#scope));
    }
    return lines;
  }

  /** Whether the trunk reads what a node makes in several places. */
  #isShared(node: Node, made: ReadonlySet<Value>): boolean {
    if (node.op === "full" || node.results.length > 1) return false;
    const [result] = node.results;
    return !made.has(result!) && this.#forms.uses(result!) > 1 && this.#forms.splitOf(result!) === undefined;
  }

  #byName({ value, text }: { readonly value: Value; readonly text: string }): Piece {
    const known = this.#scope.names.get(value);
    if (known === text) return [`output ${text}`];
    const { lines, text: expression } = this.#expressions.written(value, this.#scope);
    return [...lines, `${text} = ${expression}`, `output ${text}`];
  }
}

/** T ≤ n where a table of n rows is read at 0, 1, … T - 1. */
function limitOf(node: Node, forms: Forms): { readonly symbol: string; readonly most: number } | undefined {
  const ids = node.op === "embedding" ? forms.producer(node.operands.ids) : undefined;
  if (node.op !== "embedding" || ids?.op !== "iota") return undefined;
  const symbols = [...symbolsOf(ids.attrs.size)];
  const most = constantDim(node.operands.table.type.shape[0]!);
  const isSymbol = symbols.length === 1 && ids.attrs.size.key === symbols[0];
  return isSymbol && most !== undefined ? { symbol: symbols[0]!, most } : undefined;
}

function typeText(type: TensorType, bounds: ReadonlyMap<string, number> = new Map()): string {
  if (bounds.size === 0) return `${type.dtype}${sizes(type.shape)}`;
  const shape = type.shape.map(({ key }) => (bounds.has(key) ? `${key} <= ${bounds.get(key)}` : key));
  return `${type.dtype}[${shape.join(", ")}]`;
}
