import { isJsonObject, ownValue } from "../../checkpoint/json.ts";
import { Problem, showJson } from "../../checkpoint/problem.ts";
import { keepOutputs } from "../../ir/keep-outputs.ts";
import type { LoweredModel } from "../../lower/lower.ts";
import { scalarFunctions } from "../../ops/scalar.ts";
import { constantDim } from "../../tensor/dim.ts";
import { plural } from "../../support/text.ts";
import type { Texts } from "../../text/tokenizer.ts";
import { configOf, Members, reading, Unfit, type CheckpointFiles } from "./files.ts";
import { headTensors, hiddenStates } from "./hidden.ts";
import { activationOf, applyLayer, scoreLayer, type DenseLayer } from "./layers.ts";
import { openReader, type ReaderOptions } from "./open-reader.ts";
import { cutOf, type Cut, type ReadingOptions, type TextReader } from "./reader.ts";

/** What makes scores of logits: `softmax` of labels of which one holds, `sigmoid` of each by itself, or nothing. */
export type Scoring = "softmax" | "sigmoid" | "identity";

/** What a checkpoint says of its classes. */
export interface ClassifierForm {
  readonly labels: readonly string[];
  /** As the pipeline of transformers reads `problem_type`. */
  readonly scoring: Scoring;
  /** As CrossEncoder of sentence-transformers scores pairs: by the activation that the folder says, else by how many labels there are. */
  readonly ranking: "sigmoid" | "identity";
}

export interface ClassifierOptions extends ReaderOptions {
  /** Cuts texts to so many tokens. */
  readonly longest?: number | undefined;
}

/** What was found of texts, in their order. */
export interface Classified {
  /** [N][labels], before any activation. */
  readonly logits: readonly Float64Array[];
  readonly scores: readonly Float64Array[];
  readonly tokens: readonly number[];
  readonly cut: Cut;
}

/** Passages for a query, the best first. */
export interface Ranked {
  /** The number of a passage, from 0. */
  readonly passage: number;
  readonly score: number;
  readonly logit: number;
}

/** Scores texts, or pairs of texts, by the labels of a checkpoint. */
export class Classifier {
  readonly form: ClassifierForm;
  readonly reader: TextReader;
  /** The head of a decoder, on its last token; the model has its own if it is left off. */
  readonly #head: DenseLayer | undefined;

  constructor(form: ClassifierForm, reader: TextReader, head?: DenseLayer) {
    [this.form, this.reader, this.#head] = [form, reader, head];
  }

  async classify(
    texts: readonly Texts[],
    options: ReadingOptions & { readonly scoring?: Scoring } = {},
  ): Promise<Classified | Problem> {
    const encoded = this.reader.encode(texts);
    if (encoded instanceof Problem) return encoded;
    const logits: Float64Array[] = texts.map(() => new Float64Array());
    const problem = await this.reader.read(encoded, options, ({ output, texts: read, lengths }) => {
      const [width, rows] = [output.shape.at(-1)!, this.#head === undefined ? 1 : output.shape[1]!];
      for (const [row, text] of read.entries()) {
        // Of a decoder the last token has read all of its text.
        const at = this.#head === undefined ? row : row * rows + lengths[row]! - 1;
        const found = Float64Array.from(output.data.subarray(at * width, (at + 1) * width));
        logits[text] = this.#head === undefined ? found : applyLayer(this.#head, found);
      }
    });
    if (problem !== undefined) return problem;
    const { scoring = this.form.scoring } = options;
    return {
      logits,
      scores: logits.map((row) => scoresOf(row, scoring)),
      tokens: encoded.map(({ ids }) => ids.length),
      cut: cutOf(encoded),
    };
  }

  /** How well passages answer a query, the best first; those that are equal in their own order. */
  async rank(
    query: string,
    passages: readonly string[],
    options: ReadingOptions = {},
  ): Promise<{ readonly ranked: readonly Ranked[]; readonly cut: Cut } | Problem> {
    const { labels, ranking } = this.form;
    if (labels.length !== 1)
      return new Problem(
        "E746",
        `the checkpoint has ${plural(labels.length, "label")}, and passages are ranked by one score`,
        "`lmg classify FOLDER TEXT --pair TEXT` says how likely each label is",
      );
    const pairs = passages.map((passage) => [query, passage] as const);
    const found = await this.classify(pairs, { ...options, scoring: ranking });
    if (found instanceof Problem) return found;
    const ranked = passages.map((_, passage) => ({
      passage,
      score: found.scores[passage]![0]!,
      logit: found.logits[passage]![0]!,
    }));
    return { ranked: ranked.sort((a, b) => b.logit - a.logit), cut: found.cut };
  }

  close(): void {
    this.reader.close();
  }
}

function scoresOf(logits: Float64Array, scoring: Scoring): Float64Array {
  if (scoring === "identity") return logits;
  if (scoring === "sigmoid") return logits.map((logit) => scalarFunctions.sigmoid.evaluate(logit));
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = logits.map((logit) => Math.exp(logit - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/** Opens the classifier of a checkpoint by the model of its family, lowered with its config; `close` it. */
export async function openClassifier(
  model: LoweredModel,
  files: CheckpointFiles,
  { longest, ...options }: ClassifierOptions = {},
): Promise<Classifier | Problem | readonly Problem[]> {
  const form = reading(() => readForm(files));
  if (form instanceof Problem) return form;
  const own = model.graph.outputs.find(({ name }) => name === SCORES);
  if (own !== undefined) {
    const kept = keepOutputs(model.graph, new Set([SCORES]));
    // A model that was made a classifier by an adapter has the head that it had before, too.
    const reader = await openReader({ kept, files, folder: "", longest, ignore: headTensors }, options);
    return "read" in reader ? new Classifier(form, reader) : reader;
  }
  const kept = hiddenStates(model);
  if (kept instanceof Problem) return kept;
  const head = reading(() => scoreLayer(files, widthOf(kept.graph), form.labels.length));
  if (head instanceof Problem) return head;
  const reader = await openReader({ kept, files, folder: "", longest, ignore: headTensors }, options);
  return "read" in reader ? new Classifier(form, reader, head) : reader;
}

/** What models call the logits [B, labels] of a text's classes. */
const SCORES = "scores";

const widthOf = (graph: LoweredModel["graph"]): number =>
  constantDim(graph.outputs[0]!.value.type.shape.at(-1)!)!;

function readForm(files: CheckpointFiles): ClassifierForm {
  const config = configOf(files);
  const members = new Members(files, "config.json", config);
  const architectures = members.value("architectures");
  const first: unknown = Array.isArray(architectures) ? architectures[0] : undefined;
  if (typeof first !== "string" || !first.endsWith("ForSequenceClassification"))
    members.refuse(
      "architectures",
      "a list that begins with a class that ends in `ForSequenceClassification`",
      "the checkpoint has no head for classes: `lmg embed` makes vectors of texts, `lmg run` runs the head that it has",
    );
  const labels = labelsOf(members);
  const problem = members.text("problem_type");
  return {
    labels,
    scoring: scoringOf(labels.length, problem),
    ranking: rankingOf(labels.length, members, files),
  };
}

/** The labels of `id2label`, in the order of their ids; `LABEL_0` and so on where it has none, which are two. */
function labelsOf(members: Members): readonly string[] {
  const named = members.texts("id2label");
  const count = named.size > 0 ? named.size : (members.count("num_labels") ?? 2);
  return Array.from({ length: count }, (_, id) => {
    if (named.size === 0) return `LABEL_${id}`;
    return named.get(String(id)) ?? members.refuse("id2label", `labels of the ids 0 to ${count - 1}`);
  });
}

function scoringOf(labels: number, problem: string | undefined): Scoring {
  if (problem === "regression") return "identity";
  return problem === "multi_label_classification" || labels === 1 ? "sigmoid" : "softmax";
}

/** By the activation that is said: in a file of its own since sentence-transformers 6, in config.json before. */
function rankingOf(labels: number, config: Members, files: CheckpointFiles): ClassifierForm["ranking"] {
  const own = new Members(files, "config_sentence_transformers.json");
  const within = config.value("sentence_transformers");
  const nested = isJsonObject(within) ? ownValue(within, "activation_fn") : undefined;
  const said =
    own.text("activation_fn") ?? nested ?? config.text("sbert_ce_default_activation_function") ?? undefined;
  if (said === undefined) return labels === 1 ? "sigmoid" : "identity";
  const activation = typeof said === "string" ? activationOf(said) : undefined;
  if (activation === "Sigmoid") return "sigmoid";
  if (activation === "Identity") return "identity";
  throw new Unfit(
    new Problem(
      "E746",
      `${files.nameOf("config.json")}: the activation of scores is ${showJson(said)}, expected Sigmoid or Identity of torch`,
    ),
  );
}
