import {
  clauseWords,
  freeClauseWords,
  freeStatementWords,
  parameterKinds,
  plainWords,
  statementWords,
  trainSettings,
} from "../language/words.ts";
import { functions } from "../lower/values/functions.ts";
import { initializers } from "../lower/values/initializers.ts";
import type { LintName } from "../lower/lints/names.ts";
import { showMeaning } from "../lower/values/meaning.ts";
import { augmentations, optimizers, schedules, type ChoiceRecord } from "../lower/train/choices.ts";
import { dtypes } from "../tensor/dtype.ts";

export type WordKind =
  | "statement"
  | "clause"
  | "word"
  | "setting"
  | "optimizer"
  | "schedule"
  | "augmentation"
  | "initializer"
  | "function"
  | "kind"
  | "dtype"
  | "lint";

export interface WordEntry {
  readonly kind: WordKind;
  readonly name: string;
  readonly usage: string;
  readonly doc: string;
}

/** How a word is written, and what it does. */
type Described = readonly [usage: string, doc: string];

type Words<List extends readonly string[]> = { readonly [W in List[number]]: Described };

const statements: Words<typeof statementWords> & Words<typeof freeStatementWords> = {
  model: ["model name(parameters) { … }", "what is compiled: inputs, layers, edges and outputs"],
  block: ["block name(parameters) { … }", "a part that models and blocks call like a layer"],
  use: ['use "./file.lmg"', "brings the definitions of another file; at the top of a file"],
  input: ["input name: f32[B, T, dim] = fill", "a tensor that comes in; the first one begins the stream"],
  output: ["output name: type", "the value of that name goes out, or the stream if there is none"],
  let: ["let name = value", "names a number, word, list or layer that is known before the model runs"],
  assert: [
    'assert condition, "message with {values}"',
    "an error with this message if the condition is false",
  ],
  if: ["if condition { … } else { … }", "takes one of its bodies, by what is known before the model runs"],
  repeat: [
    "repeat count shared checkpoint as label[i] { … }",
    "runs its body several times, each with weights of its own",
  ],
  parallel: ["parallel { a; b }", "feeds each branch the same stream and adds them up"],
  residual: [
    "residual clauses { … }",
    "adds what the stream was to what the body makes of it; clauses place norms and gains",
  ],
  default: ["default linear(init: …), …", "what calls leave out, in a model and in all that it calls"],
  allow: ["allow lint, …", "silences warnings in the braces in which it stands"],
  train: ["train { … }", "what a training is to do: targets, losses, optimizer and length"],
  config: ["config { parameter = key else … }", "parameters from the config.json of a published checkpoint"],
};

const clauses: Words<typeof clauseWords> & Words<typeof freeClauseWords> = {
  pre: ["residual pre label: norm { … }", "a norm before the branch: y = x + f(N(x)) (GPT-2, Llama)"],
  out: [
    "residual out label: norm { … }",
    "a norm on the branch's output, before the add: y = x + N(f(x)) (OLMo 2)",
  ],
  post: [
    "residual post label: norm { … }",
    "a norm after the add: y = N(x + f(x)) (the original Transformer, BERT)",
  ],
  sandwich: [
    "residual sandwich label: norm { … }",
    "`pre` and `out` at once: y = x + N(f(N(x))), with label.pre and label.out (Gemma 2)",
  ],
  from: ["residual from name { … }", "what the edge carries, if it is not the stream: y = s + f(x)"],
  skip: ["residual skip gain { … }", "a gain on what the edge carries: y = a · x + f(x) (DeepNorm)"],
  branch: ["residual branch gain { … }", "a gain on the branch: y = x + a · f(x) (ReZero, LayerScale)"],
  init: [
    "residual init factor { … }",
    "the weights that end the branch begin so many times as large (GPT-2)",
  ],
};

const plain: Words<typeof plainWords> = {
  as: [
    "layer as name",
    "names the stream at this point, also with a type; behind `repeat` its label and index",
  ],
  else: ["if … { } else { }", "what holds otherwise; also in `a if c else b`, and in a line of `config`"],
  and: ["a and b", "true if both are; of tensors of bools element by element"],
  or: ["a or b", "true if one of them is; of tensors of bools element by element"],
  not: ["not a", "true if it is false; of a tensor of bools element by element"],
  in: [
    "x in list",
    "true if one of the elements of a list equals it, before the model runs; `[f(i) for i in n]` is the list of n elements",
  ],
  true: ["true", "the truth, as a value known before the model runs"],
  false: ["false", "its opposite"],
  none: ["none", "no layer, no value: an optional parameter that is not given"],
  stream: ["stream", "the tensor that flows from line to line"],
};

const settings: Words<typeof trainSettings> & { readonly target: Described } = {
  target: ["target name: type", "what losses and metrics compare with, an input of the training only"],
  loss: [
    "loss (output, target) -> cross_entropy",
    "a chain that gives one number, to be made small; several add up",
  ],
  metric: ["metric (output, target) -> accuracy", "a chain that gives one number, which is shown"],
  optimizer: ["optimizer adamw(lr: 1e-3)", "how parameters follow their gradients"],
  schedule: ["schedule cosine(warmup: 100)", "how the learning rate changes over the steps"],
  rate: ['rate "h.*" 0.5', "the share of the learning rate that parameters of these names have"],
  eps: ['eps "h.*" 1e-9', "Adam's eps for parameters of these names"],
  decay: ['decay "h.*" 0.0', "the weight decay of parameters of these names, gains and biases too"],
  after: [
    'after step l2norm "h.*.weight"',
    "what parameters of these names pass through after each step, and before the first",
  ],
  augment: ["augment image -> shift(1)", "how the rows of an input change at random while training"],
  clip: ["clip 1.0", "the largest norm of all gradients together"],
  batch: ["batch 32", "rows or sequences of a batch"],
  accumulate: ["accumulate 4", "batches whose gradients make one step of the optimizer"],
  epochs: ["epochs 10", "the length of the training, in passes over the data"],
  steps: ["steps 1000", "the length of the training, in steps of the optimizer"],
  patience: ["patience 5", "evaluations without a smaller loss after which the training ends"],
  data: ['data "path"', "what is trained on, if --data does not say"],
  seed: ["seed 1", "what initial weights, dropout and the order of the data follow from"],
};

const kindDocs: Words<typeof parameterKinds> = {
  int: ["name: int = 4", "a whole number"],
  float: ["name: float = 0.5", "a number"],
  bool: ["name: bool = true", "true or false"],
  text: ['name: text = "…"', "a text"],
  list: ["name: list = [1, 2]", "a list of values"],
  shape: ["name: shape", "a list of sizes"],
  layer: ["name: layer = gelu", "a layer or a block; `none` is the identity"],
  label: ["name: label", "the label of a layer above, whose weights are used again"],
  dtype: ["name: dtype = f32", "a type of elements"],
  placement: ["name: placement = pre", "where a norm stands on an edge: pre, out, post, sandwich or none"],
  init: ["name: init = normal(std: 0.02)", "how a weight begins"],
};

const initializerDocs: Readonly<Record<string, string>> = {
  normal: "from the normal distribution",
  truncated_normal: "the same, drawn again beyond 2 standard deviations",
  uniform: "evenly between two numbers",
  xavier: "variance gain² · 2 / (fan in + fan out) (Glorot and Bengio 2010)",
  he: "variance gain² / fan in, gain √2 if not given (He et al. 2015)",
  orthogonal: "orthogonal rows or columns, times gain (Saxe et al. 2014)",
  eye: "a matrix with ones on the diagonal and zeros beside it, times gain",
  unit: "one at one element, counted from 0, and zeros elsewhere, times gain",
};

const lintDocs: { readonly [L in LintName]: string } = {
  no_final_norm: "edges with norms in their branches, and no norm between them and an output",
  deep_post_norm: "many edges in a row with norms behind the add, neither gains nor warmup",
  unnormed_branch: "edges in a row whose branch has weights and nothing that keeps it small",
  unread_tap: "`as NAME`, and nothing reads the name",
  unread_value: "`NAME = …`, and nothing reads the name",
  unread_parameter: "a parameter that nothing reads",
  unread_let: "a `let` that nothing reads",
  unread_input: "an input that nothing reads",
  unread_block: "a block that nothing calls",
  unread_use: "a file that is used, and nothing of it is called",
  doubled_stream: "an edge whose branch is the stream itself",
};

/** Every word of the language that is no layer, with how it is written and what it does. */
export const wordEntries = (): readonly WordEntry[] => [
  ...described("statement", statements),
  ...described("clause", clauses),
  ...described("word", plain),
  ...described("setting", settings),
  ...choices("optimizer", optimizers),
  ...choices("schedule", schedules),
  ...choices("augmentation", augmentations),
  ...Object.entries(initializers).map(([name, signature]): WordEntry => {
    const given = [...signature.values()].map(
      (one) => `${one.name}: ${one.kind.words?.join(" | ") ?? one.kind.name}`,
    );
    return { kind: "initializer", name, usage: `${name}(${given.join(", ")})`, doc: initializerDocs[name]! };
  }),
  ...Object.entries(functions).map(([name, { least, most, doc }]): WordEntry => ({
    kind: "function",
    name,
    usage: `${name}(${least === 1 ? "x" : "a, b"}${most > least ? ", …" : ""})`,
    doc,
  })),
  ...described("kind", kindDocs),
  ...dtypes.map((name): WordEntry => ({
    kind: "dtype",
    name,
    usage: `input x: ${name}[B]`,
    doc: `elements of the type ${name}`,
  })),
  ...Object.entries(lintDocs).map(([name, doc]): WordEntry => ({
    kind: "lint",
    name,
    usage: `allow ${name}`,
    doc,
  })),
];

const described = (kind: WordKind, words: Readonly<Record<string, Described>>): readonly WordEntry[] =>
  Object.entries(words).map(([name, [usage, doc]]) => ({ kind, name, usage, doc }));

const choices = (kind: WordKind, records: Readonly<Record<string, ChoiceRecord>>): readonly WordEntry[] =>
  Object.entries(records).map(([name, { doc, options }]) => {
    const given = Object.entries(options).map(([option, { kind: of, fallback }]) => {
      const type = of.words?.join(" | ") ?? of.name;
      return fallback === undefined ? `${option}: ${type}` : `${option}: ${type} = ${showMeaning(fallback)}`;
    });
    return { kind, name, usage: `${name}(${given.join(", ")})`, doc };
  });
