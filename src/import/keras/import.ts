import type { StoredTensor } from "../../checkpoint/stored.ts";
import { Problem } from "../../checkpoint/problem.ts";
import { reservedWords } from "../../language/words.ts";
import { listWords } from "../../support/text.ts";
import { trainLines } from "./train.ts";
import { NoForm, type Converted, type KerasArray, type Sizes } from "./layers/form.ts";
import { kerasLayers } from "./layers/table.ts";
import type { KerasLayer, KerasModel } from "./model.ts";
import { Structure, type Piece, type ResidualEdge } from "./structure.ts";

/** A Keras model as lmg has it. */
export interface ImportedModel {
  /** The text of a `.lmg` file. */
  readonly text: string;
  /** Weights by the names of the text; empty without those of the Keras model. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** How many of its adds are residual edges. */
  readonly edges: number;
}

/** Writes a Keras model as `.lmg`, with its weights by their new names; what lmg has no form for is listed, all at once. */
export function importKeras(
  model: KerasModel,
  weights: ReadonlyMap<string, readonly KerasArray[]>,
  name: string,
  file: string,
): ImportedModel | Problem {
  const labels = labelsOf(model);
  const converted = new Map<string, Converted>();
  const refused: string[] = [];
  for (const layer of model.layers) {
    if (layer.kind === "InputLayer") {
      converted.set(layer.name, { steps: [], weights: {}, shape: inputShape(layer) });
      continue;
    }
    const convert = Object.hasOwn(kerasLayers, layer.kind) ? kerasLayers[layer.kind] : undefined;
    const inputs = layer.inputs.map((input): Sizes => converted.get(input)?.shape ?? []);
    const made = convert?.({
      layer,
      weights: weights.get(layer.name) ?? [],
      inputs,
      label: labels.get(layer.name)!,
    });
    if (made === undefined) refused.push(`${layer.kind} (${layer.name})`);
    else if (made instanceof NoForm) refused.push(`${layer.kind} (${layer.name}) with ${made.what}`);
    converted.set(
      layer.name,
      made === undefined || made instanceof NoForm
        ? { steps: [], weights: {}, shape: inputs[0] ?? [] }
        : made,
    );
  }
  if (refused.length > 0)
    return new Problem(
      "E771",
      `${file}: lmg has no form for ${listWords(refused)}`,
      `what is imported: ${Object.keys(kerasLayers).join(", ")}`,
    );
  const writer = new Writer(model, converted, labels);
  return { text: writer.write(name), tensors: tensorsOf(model, converted, labels), edges: writer.edges };
}

/** Labels by the names of layers, which Keras lets be anything. */
function labelsOf(model: KerasModel): ReadonlyMap<string, string> {
  const taken = new Set<string>();
  return new Map(
    model.layers.map(({ name }) => {
      const plain = name.replace(/\W+/g, "_").replace(/^(?![A-Za-z_])/, "_");
      const label = Array.from({ length: taken.size + 1 }, (_, index) =>
        index === 0 ? plain : `${plain}_${index}`,
      ).find((each) => !taken.has(each))!;
      taken.add(label);
      return [name, label];
    }),
  );
}

const inputShape = ({ config }: KerasLayer): Sizes => {
  const shape = config["batch_shape"] ?? config["batch_input_shape"];
  return Array.isArray(shape) ? (shape as Sizes).slice(1) : [];
};

function tensorsOf(
  model: KerasModel,
  converted: ReadonlyMap<string, Converted>,
  labels: ReadonlyMap<string, string>,
): ReadonlyMap<string, StoredTensor> {
  return new Map(
    model.layers.flatMap(({ name }) =>
      Object.entries(converted.get(name)!.weights).map(([suffix, { shape, data }]) => {
        const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
        return [labels.get(name)! + suffix, { dtype: "f32", shape, bytes } satisfies StoredTensor] as const;
      }),
    ),
  );
}

/** Lines of a `.lmg` file. */
class Writer {
  readonly #model: KerasModel;
  readonly #converted: ReadonlyMap<string, Converted>;
  readonly #labels: ReadonlyMap<string, string>;
  edges = 0;

  constructor(
    model: KerasModel,
    converted: ReadonlyMap<string, Converted>,
    labels: ReadonlyMap<string, string>,
  ) {
    this.#model = model;
    this.#converted = converted;
    this.#labels = labels;
  }

  write(name: string): string {
    const { layers, outputs } = this.#model;
    const inputs = layers.filter(({ kind }) => kind === "InputLayer");
    const [input, output] = [inputs[0]!, outputs[0]!];
    const structure = new Structure(this.#model, ({ kind, name: each }) => {
      const isNorm = kind === "BatchNormalization" || kind === "LayerNormalization";
      return isNorm && this.#converted.get(each)!.steps.length === 1;
    });
    const pieces =
      inputs.length === 1 && outputs.length === 1 ? structure.between(input.name, output) : undefined;
    const body =
      pieces === undefined ? this.#statements() : [...this.#lines(pieces), `output ${this.#value(output)}`];
    const types = inputs.map((each) => `input ${this.#value(each.name)}: ${this.#typeOf(each)}`);
    const train =
      pieces === undefined
        ? []
        : trainLines(this.#model, this.#value(output), this.#converted.get(output)!.shape);
    return `// From the Keras model \`${this.#model.name}\`\nmodel ${name} {\n${[...types, ...body, ...train].join("\n")}\n}\n`;
  }

  /** Ids are whole: Keras makes them so where they are looked up. */
  #typeOf(input: KerasLayer): string {
    const readers = this.#model.layers.filter(({ inputs }) => inputs.includes(input.name));
    const isIds = readers.length > 0 && readers.every(({ kind }) => kind === "Embedding");
    const letters = ["T", "S", "U", "V"];
    const sizes = inputShape(input).map((size) => (size === null ? letters.shift()! : String(size)));
    return `${isIds ? "i32" : "f32"}[${["B", ...sizes].join(", ")}]`;
  }

  #value(layer: string): string {
    const label = this.#labels.get(layer)!;
    const name = label[0]!.toLowerCase() + label.slice(1);
    return reservedWords.has(name) ? `${name}_` : name;
  }

  /** A piece a line. */
  #lines(pieces: readonly Piece[]): readonly string[] {
    const lines: string[] = [];
    for (const piece of pieces) {
      if (piece.kind === "edge") lines.push(this.#edge(piece.edge));
      else {
        const { steps, joins } = this.#converted.get(piece.layer.name)!;
        const all = joins === undefined ? steps : [joins(["stream"]), ...steps];
        const isActivation =
          lines.length > 0 && piece.layer.kind === "Activation" && !lines.at(-1)!.startsWith("residual");
        if (isActivation && all.length > 0) lines.push(`${lines.pop()!} -> ${all.join(" -> ")}`);
        else if (all.length > 0) lines.push(all.join(" -> "));
      }
    }
    return lines;
  }

  #edge({ pre, branch, out, post, from }: ResidualEdge): string {
    this.edges++;
    const norm = (word: string, layer: KerasLayer | undefined): readonly string[] =>
      layer === undefined ? [] : [`${word} ${this.#converted.get(layer.name)!.steps.join(" -> ")}`];
    const carried = from.length === 0 ? [] : [`from (stream -> ${this.#lines(from).join(" -> ")})`];
    const clauses = [...carried, ...norm("pre", pre), ...norm("out", out), ...norm("post", post)].join(", ");
    return `residual ${clauses}${clauses === "" ? "" : " "}{ ${this.#lines(branch).join("; ")} }`;
  }

  /** A model that is no single way from an input to an output: each value by its name. */
  #statements(): readonly string[] {
    const lines = this.#model.layers.flatMap((layer) => {
      if (layer.kind === "InputLayer") return [];
      const { steps, joins } = this.#converted.get(layer.name)!;
      const inputs = layer.inputs.map((name) => this.#value(name));
      const head = joins === undefined ? inputs[0]! : joins(inputs);
      const value = steps.length > 0 && joins !== undefined && !head.startsWith("(") ? `(${head})` : head;
      return [`${this.#value(layer.name)} = ${[value, ...steps].join(" -> ")}`];
    });
    return [...lines, ...this.#model.outputs.map((name) => `output ${this.#value(name)}`)];
  }
}
