import * as fc from "fast-check";
import type { Edge, EdgePart, Graph, Node, Output, Parameter, Value } from "../../src/ir/graph.ts";
import { noOrigin } from "../../src/ir/graph.ts";
import { makeNode, makeValue, onlyResult } from "../../src/ir/node.ts";
import { dim, symbolDim } from "../../src/tensor/dim.ts";
import { tensorType } from "../../src/tensor/type.ts";

/** A norm somewhere on an edge; `same` reuses the edge's first weights, so that norms may share everything. */
interface NormRecipe {
  readonly kind: "layer" | "rms" | "l2";
  readonly affine: "none" | "weight" | "bias" | "both";
  readonly eps: 1e-5 | 1e-3;
  readonly unitOffset: boolean;
}

type GainRecipe = "none" | "number" | "one" | "row" | "scalar" | "each row" | "number and row";

type BranchRecipe = "linear" | "biased" | "tanh" | "bias add" | "table" | "product" | "normed" | "stream";

/** One edge of a random model, or adds that a model writes itself. */
interface EdgeRecipe {
  readonly written: "residual" | "add" | "swapped add";
  readonly source: number;
  readonly pre: NormRecipe | undefined;
  readonly out: NormRecipe | undefined;
  readonly post: NormRecipe | undefined;
  readonly second: NormRecipe | undefined;
  readonly between: "nothing" | "relu" | "reshape" | "scale";
  readonly branches: readonly BranchRecipe[];
  readonly skip: GainRecipe;
  readonly branch: GainRecipe;
  readonly tapped: boolean;
}

export interface ModelRecipe {
  readonly width: number;
  readonly edges: readonly EdgeRecipe[];
}

const norm: fc.Arbitrary<NormRecipe> = fc.record({
  kind: fc.constantFrom("layer", "rms", "l2"),
  affine: fc.constantFrom("none", "weight", "bias", "both"),
  eps: fc.constantFrom(1e-5, 1e-3),
  unitOffset: fc.boolean(),
});

const maybeNorm = fc.option(norm, { nil: undefined });

const gain: fc.Arbitrary<GainRecipe> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<GainRecipe>("none") },
  {
    weight: 2,
    arbitrary: fc.constantFrom<GainRecipe>("number", "one", "row", "scalar", "each row", "number and row"),
  },
);

const branch: fc.Arbitrary<BranchRecipe> = fc.constantFrom(
  "linear",
  "biased",
  "tanh",
  "bias add",
  "table",
  "product",
  "normed",
  "stream",
);

const edge: fc.Arbitrary<EdgeRecipe> = fc.record({
  written: fc.constantFrom("residual", "residual", "add", "swapped add"),
  source: fc.nat({ max: 3 }),
  pre: maybeNorm,
  out: maybeNorm,
  post: maybeNorm,
  second: maybeNorm,
  between: fc.constantFrom("nothing", "nothing", "nothing", "relu", "reshape", "scale"),
  branches: fc.array(branch, { minLength: 1, maxLength: 6 }),
  skip: gain,
  branch: gain,
  tapped: fc.boolean(),
});

/** Models of one to five edges, each with what real models have there and what fusion must refuse. */
export const modelRecipes: fc.Arbitrary<ModelRecipe> = fc.record({
  width: fc.constantFrom(1, 2, 4),
  edges: fc.array(edge, { minLength: 1, maxLength: 5 }),
});

/** The graph of a recipe; well-formed whatever the recipe is. */
export const buildModel = (recipe: ModelRecipe): Graph => new Builder(recipe).build();

class Builder {
  readonly #recipe: ModelRecipe;
  readonly #nodes: Node[] = [];
  readonly #parameters: Parameter[] = [];
  readonly #outputs: Output[] = [];
  readonly #edges: Edge[] = [];
  readonly #streams: Value[] = [];
  readonly #x: Value;
  readonly #table: Value;

  constructor(recipe: ModelRecipe) {
    this.#recipe = recipe;
    const rows = [symbolDim("B"), symbolDim("T")];
    this.#x = makeValue(tensorType("f32", ...rows, recipe.width), "x");
    this.#table = makeValue(tensorType("f32", symbolDim("T"), recipe.width), "table");
    this.#streams.push(this.#x);
  }

  build(): Graph {
    this.#recipe.edges.forEach((recipe, index) => this.#streams.push(this.#edge(recipe, index)));
    this.#output("y", this.#stream);
    const inputs = [this.#x, this.#table].map((value) => ({
      name: value.hint!,
      value,
      fill: undefined,
      span: undefined,
    }));
    return {
      name: "random",
      symbols: [{ name: "B" }, { name: "T" }],
      inputs,
      parameters: this.#parameters,
      states: [],
      nodes: this.#nodes,
      outputs: this.#outputs,
      edges: this.#edges,
    };
  }

  get #stream(): Value {
    return this.#streams.at(-1)!;
  }

  #edge(recipe: EdgeRecipe, index: number): Value {
    const edge = this.#edges.length;
    const part = (role: EdgePart["role"]): readonly EdgePart[] =>
      recipe.written === "residual" ? [{ edge, role }] : [];
    const read = this.#norm(recipe.pre, this.#stream, `pre${index}`, part("pre"));
    const values = recipe.branches.map((kind, at) => this.#branch(kind, read, `f${index}_${at}`));
    const source = this.#streams[this.#streams.length - 1 - recipe.source] ?? this.#stream;
    const skipped = this.#gain(recipe.skip, source, `skip${index}`);
    const summed = values.reduce((x, y) => this.#push(makeNode("add", { x, y }, {})));
    const normed = this.#norm(recipe.out, summed, `out${index}`, part("out"));
    const gained = this.#gain(recipe.branch, normed, `branch${index}`);
    const isPlain = gained === summed;
    let sum: Value;
    if (recipe.written === "residual") {
      // The branches stay apart, as `parallel` leaves them, if nothing is applied to their sum.
      const branches = isPlain ? values : [gained];
      const origin = { ...noOrigin, edges: part("join") };
      sum = this.#push(
        makeNode(
          "residual",
          { source: skipped, branches, source_gain: undefined, branch_gain: undefined },
          {
            edge,
            source_scale: recipe.skip === "none" ? 1.25 : 1,
          },
          origin,
        ),
      );
      const none = {
        scope: [],
        source: "stream",
        branches: [],
        norms: [],
        skip: undefined,
        branch: undefined,
      };
      this.#edges.push({ name: `edge ${index}`, span: undefined, ...none });
    } else {
      const operands = recipe.written === "add" ? { x: skipped, y: gained } : { x: gained, y: skipped };
      sum = this.#push(makeNode("add", operands, {}));
    }
    if (recipe.tapped) this.#output(`tap${index}`, sum);
    if (recipe.second !== undefined)
      this.#output(`second${index}`, this.#norm(recipe.second, sum, `second${index}`, []));
    return this.#norm(recipe.post, this.#between(recipe.between, sum), `post${index}`, part("post"));
  }

  #between(kind: EdgeRecipe["between"], x: Value): Value {
    const { width } = this.#recipe;
    switch (kind) {
      case "nothing":
        return x;
      case "relu":
        return this.#push(makeNode("relu", { x }, {}));
      case "scale":
        return this.#push(makeNode("mul", { x, y: this.#number(0.5) }, {}));
      case "reshape": {
        const wide = [symbolDim("B"), symbolDim("T"), dim(1), dim(width)];
        const reshaped = this.#push(makeNode("reshape", { x }, { shape: wide }));
        return this.#push(makeNode("reshape", { x: reshaped }, { shape: x.type.shape }));
      }
    }
  }

  #branch(kind: BranchRecipe, x: Value, name: string): Value {
    const { width } = this.#recipe;
    const weight = (part: string): Value => this.#parameter(`${name}.${part}`, [width, width], 0);
    const linear = (part: string, bias?: Value): Value =>
      this.#push(makeNode("linear", { x, weight: weight(part), bias }, {}));
    switch (kind) {
      case "stream":
        return x;
      case "tanh":
        return this.#push(makeNode("tanh", { x }, {}));
      case "linear":
        return linear("weight");
      case "biased":
        return linear("weight", this.#parameter(`${name}.bias`, [width], 0));
      case "bias add":
        return this.#push(
          makeNode("add", { x: linear("weight"), y: this.#parameter(`${name}.row`, [width], 0) }, {}),
        );
      case "table":
        return this.#push(makeNode("add", { x: linear("weight"), y: this.#table }, {}));
      case "product": {
        const gate = this.#push(makeNode("silu", { x: linear("gate") }, {}));
        return this.#push(makeNode("mul", { x: gate, y: linear("up") }, {}));
      }
      case "normed":
        return this.#push(makeNode("rms_norm", { x, weight: undefined, bias: undefined }, { eps: 1e-5 }));
    }
  }

  #gain(kind: GainRecipe, x: Value, name: string): Value {
    const { width } = this.#recipe;
    const by = (y: Value): Value => this.#push(makeNode("mul", { x, y }, {}));
    switch (kind) {
      case "none":
        return x;
      case "number":
        return by(this.#number(0.7));
      case "one":
        return by(this.#parameter(name, [1], 1));
      case "row":
        return by(this.#parameter(name, [width], 1));
      case "scalar":
        return by(this.#parameter(name, [], 1));
      case "each row": {
        const axes = { axes: [2], keep: true };
        return by(this.#push(makeNode("reduce_mean", { x: this.#x }, axes)));
      }
      case "number and row": {
        const scaled = by(this.#number(-1.5));
        const y = this.#parameter(name, [width], 1);
        return this.#push(makeNode("mul", { x: y, y: scaled }, {}));
      }
    }
  }

  #norm(recipe: NormRecipe | undefined, x: Value, name: string, edges: readonly EdgePart[]): Value {
    if (recipe === undefined) return x;
    const { width } = this.#recipe;
    const origin = { ...noOrigin, label: name, edges };
    const { kind, affine, eps } = recipe;
    if (kind === "l2") return this.#push(makeNode("l2_norm", { x }, { eps }, origin));
    const has = (part: string): boolean => affine === part || affine === "both";
    const weight = has("weight") ? this.#parameter(`${name}.weight`, [width], 1) : undefined;
    const bias = has("bias") ? this.#parameter(`${name}.bias`, [width], 0) : undefined;
    return this.#push(
      kind === "layer"
        ? makeNode("layer_norm", { x, weight, bias }, { eps }, origin)
        : makeNode("rms_norm", { x, weight, bias }, { eps, unit_offset: recipe.unitOffset }, origin),
    );
  }

  #push(node: Node): Value {
    this.#nodes.push(node);
    return onlyResult(node);
  }

  #number(value: number): Value {
    return this.#push(makeNode("full", {}, { dtype: "f32", shape: [], value }));
  }

  #parameter(name: string, shape: readonly number[], value: number): Value {
    const made = makeValue(tensorType("f32", ...shape), name);
    const init = { kind: "constant", value } as const;
    this.#parameters.push({ name, value: made, init, trainable: true, span: undefined });
    return made;
  }

  #output(name: string, value: Value): void {
    this.#outputs.push({ name, value, span: undefined });
  }
}
