import { Problem, quote } from "../../checkpoint/problem.ts";
import { listWords } from "../../support/text.ts";
import type { LoweredModel } from "../../lower/lower.ts";
import { constantDim } from "../../tensor/dim.ts";
import { hostTensor, type HostTensor } from "../../tensor/host.ts";
import type { CheckpointFiles } from "./files.ts";
import { embeddingForm, type EmbeddingForm, type Similarity } from "./form.ts";
import { headTensors, hiddenStates } from "./hidden.ts";
import { applyLayer, widthAfter } from "./layers.ts";
import { pooled, type Pooling } from "./pooling.ts";
import { openReader, type ReaderOptions } from "./open-reader.ts";
import { cutOf, type Cut, type ReadingOptions, type TextReader } from "./reader.ts";

/** What may be asked of a folder's form. */
export interface EmbedderOptions extends ReaderOptions {
  /** Other poolings than the folder says, and nothing behind them. */
  readonly pooling?: readonly Pooling[] | undefined;
  /** Vectors of length 1, also where the folder does not say so. */
  readonly normalize?: boolean;
  /** Cuts texts to so many tokens. */
  readonly longest?: number | undefined;
}

export interface EmbedOptions extends ReadingOptions {
  /** The name of what is put in front of each text; the folder's default, if it has one, where it is left off. */
  readonly prompt?: string | undefined;
}

/** The vectors of texts, in their order. */
export interface Embeddings {
  /** f32[N, D] */
  readonly vectors: HostTensor;
  /** Tokens of each text, as the model read them. */
  readonly tokens: readonly number[];
  readonly cut: Cut;
}

/** Makes vectors of texts, as sentence-transformers does by the same folder. */
export class Embedder {
  readonly form: EmbeddingForm;
  /** Numbers of a vector. */
  readonly dimensions: number;
  readonly reader: TextReader;

  constructor(form: EmbeddingForm, dimensions: number, reader: TextReader) {
    [this.form, this.dimensions, this.reader] = [form, dimensions, reader];
  }

  async embed(texts: readonly string[], options: EmbedOptions = {}): Promise<Embeddings | Problem> {
    const prompt = this.promptOf(options.prompt);
    if (prompt instanceof Problem) return prompt;
    const encoded = this.reader.encode(texts.map((text) => [this.#cased(prompt + text)]));
    if (encoded instanceof Problem) return encoded;
    const unpooled = this.form.withPrompt || prompt === "" ? 0 : this.#tokensOf(prompt);
    if (unpooled instanceof Problem) return unpooled;
    const vectors = new Float64Array(texts.length * this.dimensions);
    const problem = await this.reader.read(encoded, options, ({ output, texts: read, lengths }) => {
      const width = output.shape[1]!;
      for (const [row, text] of read.entries()) {
        const rows = { first: row * width + unpooled, end: row * width + lengths[row]!, before: unpooled };
        vectors.set(this.#vectorOf(output, rows), text * this.dimensions);
      }
    });
    if (problem !== undefined) return problem;
    return {
      vectors: hostTensor("f32", [texts.length, this.dimensions], Float32Array.from(vectors)),
      tokens: encoded.map(({ ids }) => ids.length),
      cut: cutOf(encoded),
    };
  }

  /** The text of a prompt by its name. */
  promptOf(asked: string | undefined): string | Problem {
    const { prompts, defaultPrompt, promptFile } = this.form;
    const name = asked ?? defaultPrompt;
    if (name === undefined) return "";
    const names = listWords([...prompts.keys()].map(quote));
    return (
      prompts.get(name) ??
      new Problem(
        "E745",
        `${promptFile}: there is no prompt ${quote(name)} among \`prompts\``,
        names === "" ? "the folder has none: put it in front of the texts" : `it has ${names}`,
      )
    );
  }

  close(): void {
    this.reader.close();
  }

  #vectorOf(output: HostTensor, rows: Parameters<typeof pooled>[1]): Float64Array {
    return this.form.layers.reduce(
      (x, layer) => applyLayer(layer, x),
      pooled(output, rows, this.form.pooling),
    );
  }

  /** Character by character, as `Lowercase` of `tokenizers` does it. */
  #cased(text: string): string {
    return this.form.lowerCase ? Array.from(text, (character) => character.toLowerCase()).join("") : text;
  }

  /** How many tokens a prompt takes at the beginning of a text, without a special one that ends texts. */
  #tokensOf(prompt: string): number | Problem {
    const encoded = this.reader.encode([[this.#cased(prompt)]]);
    if (encoded instanceof Problem) return encoded;
    const { ids } = encoded[0]!;
    // Of all tokens special ones alone have no text.
    return this.reader.tokenizer.decode(ids.slice(-1)) === "" ? ids.length - 1 : ids.length;
  }
}

/** Opens the embedder of a checkpoint by the model of its family, lowered with its config; `close` it. */
export async function openEmbedder(
  model: LoweredModel,
  files: CheckpointFiles,
  { pooling, normalize = false, longest, ...options }: EmbedderOptions = {},
): Promise<Embedder | Problem | readonly Problem[]> {
  const form = embedderForm(files, pooling, normalize);
  if (form instanceof Problem) return form;
  const kept = hiddenStates(model);
  if (kept instanceof Problem) return kept;
  const width = constantDim(kept.graph.outputs[0]!.value.type.shape.at(-1)!)!;
  const dimensions = widthAfter(form.layers, width * form.pooling.length, files.nameOf("modules.json"));
  if (dimensions instanceof Problem) return dimensions;
  const reader = await openReader(
    { kept, files, folder: form.model, longest: longest ?? form.longest, ignore: headTensors },
    options,
  );
  return "read" in reader ? new Embedder(form, dimensions, reader) : reader;
}

/** The form of a folder, but for what is asked to be otherwise. */
function embedderForm(
  files: CheckpointFiles,
  pooling: readonly Pooling[] | undefined,
  normalize: boolean,
): EmbeddingForm | Problem {
  const found = embeddingForm(files);
  if (found instanceof Problem) return found;
  const form = pooling === undefined ? found : { ...found, pooling, layers: [], isStated: true };
  const isUnit = form.layers.at(-1)?.kind === "normalize";
  return normalize && !isUnit ? { ...form, layers: [...form.layers, { kind: "normalize" }] } : form;
}

/** How alike two rows of vectors are. */
export function similarityOf({ data, shape }: HostTensor, by: Similarity, a: number, b: number): number {
  const width = shape[1]!;
  let [dot, ofA, ofB] = [0, 0, 0];
  for (let i = 0; i < width; i++) {
    const [x, y] = [data[a * width + i]!, data[b * width + i]!];
    dot += x * y;
    ofA += x * x;
    ofB += y * y;
  }
  return by === "dot" ? dot : dot / Math.max(LEAST_PRODUCT, Math.sqrt(ofA * ofB));
}

/** Vectors of zeros are like none. */
const LEAST_PRODUCT = 1e-24;
