import type { Chain } from "../../language/ast/expressions.ts";
import { bindArguments } from "../calls/arguments.ts";
import type { Frame } from "../frame/context.ts";
import * as errors from "../errors/train.ts";
import { kind, wordsKind, type Kind, type Signature } from "../values/kinds.ts";
import { bool, number, type GivenArgument, type Meaning } from "../values/meaning.ts";
import { tellOwnName } from "../names/references.ts";

/** An optimizer or a schedule with all its options. */
export interface Choice {
  readonly name: string;
  readonly options: Readonly<Record<string, OptionValue>>;
}

export type OptionValue = number | boolean | string | readonly number[];

/** An option: its kind, its default (none: it must be given, as in the example), and what must hold of it. */
interface Option {
  readonly kind: Kind;
  readonly fallback: Meaning | undefined;
  readonly example?: string;
  readonly check: (value: OptionValue) => string | undefined;
}

export interface ChoiceRecord {
  readonly doc: string;
  readonly options: Readonly<Record<string, Option>>;
}

const positive = (value: OptionValue) => (typeof value === "number" && value > 0 ? undefined : "above 0");
const notNegative = (value: OptionValue) =>
  typeof value === "number" && value >= 0 ? undefined : "at least 0";
const share = (value: OptionValue) =>
  typeof value === "number" && value >= 0 && value <= 1 ? undefined : "between 0 and 1";
const decays = (value: OptionValue) =>
  Array.isArray(value) && value.length === 2 && value.every((beta: number) => beta >= 0 && beta < 1)
    ? undefined
    : "two numbers, each at least 0 and below 1";
const atLeastOne = (value: OptionValue) =>
  typeof value === "number" && value >= 1 ? undefined : "at least 1";
const anything = () => undefined;

const option = (of: Kind, fallback: Meaning | undefined, check: Option["check"]): Option => ({
  kind: of,
  fallback,
  check,
});
const rate: Option = { ...option(kind("float"), undefined, positive), example: "1e-3" };
const eps = option(kind("float"), number(1e-8, true), positive);
const floatOption = (value: number, check: Option["check"]): Option =>
  option(kind("float"), number(value, true), check);
const betas = (first: number, second: number): Option =>
  option(kind("list"), { kind: "list", items: [number(first), number(second)] }, decays);
const flagOption = (value: boolean): Option => option(kind("bool"), bool(value), anything);
/** What weight decay reaches: matrices, tables and kernels, which leaves norms, gains and biases alone, or all parameters. */
const decayOn = option(wordsKind(["matrices", "all"]), { kind: "word", value: "matrices" }, anything);
const warmup = option(kind("int"), number(0), notNegative);

export const optimizers: Readonly<Record<string, ChoiceRecord>> = {
  sgd: {
    doc: "w - lr · v, v = momentum · v + gradient, as torch.optim.SGD",
    options: {
      lr: rate,
      momentum: floatOption(0, share),
      nesterov: flagOption(false),
      decay: floatOption(0, notNegative),
      decay_on: decayOn,
    },
  },
  adam: {
    doc: "Adam (Kingma and Ba 2015), as torch.optim.Adam",
    options: {
      lr: rate,
      betas: betas(0.9, 0.999),
      eps,
      decay: floatOption(0, notNegative),
      decay_on: decayOn,
    },
  },
  adamw: {
    doc: "Adam with decoupled weight decay (Loshchilov and Hutter 2019), as torch.optim.AdamW",
    options: {
      lr: rate,
      betas: betas(0.9, 0.999),
      eps,
      decay: floatOption(0.01, notNegative),
      decay_on: decayOn,
    },
  },
  lion: {
    doc: "the sign of an interpolated momentum (Chen et al. 2023)",
    options: {
      lr: rate,
      betas: betas(0.9, 0.99),
      decay: floatOption(0, notNegative),
      decay_on: decayOn,
    },
  },
  muon: {
    doc: "momentum made orthogonal by Newton-Schulz steps, for matrices (Jordan et al. 2024)",
    options: {
      lr: rate,
      momentum: floatOption(0.95, share),
      nesterov: flagOption(true),
      steps: option(kind("int"), number(5), positive),
      decay: floatOption(0, notNegative),
      decay_on: decayOn,
    },
  },
};

/** Each rises from 0 over `warmup` steps; `floor` is the share of the learning rate at the end. */
export const schedules: Readonly<Record<string, ChoiceRecord>> = {
  constant: { doc: "the learning rate as it is", options: { warmup } },
  linear: { doc: "falls in a line", options: { warmup, floor: floatOption(0, share) } },
  cosine: {
    doc: "falls along half a cosine (Loshchilov and Hutter 2017)",
    options: { warmup, floor: floatOption(0, share) },
  },
  wsd: {
    doc: "stays, then falls in a line over the last share `decay` of the steps (Hu et al. 2024)",
    options: { warmup, decay: floatOption(0.2, share), floor: floatOption(0, share) },
  },
};

/** Ways to change the rows of an input at random. */
export const augmentations: Readonly<Record<string, ChoiceRecord>> = {
  shift: {
    doc: "moves an image [.., height, width] by up to `pixels` pixels along both axes; what comes in is 0",
    options: { pixels: { ...option(kind("int"), undefined, atLeastOne), example: "1" } },
  },
};

/** `adamw(lr: 6e-4)`: the choice with its options, checked. */
export function readChoice(
  what: "optimizer" | "schedule" | "augmentation",
  records: Readonly<Record<string, ChoiceRecord>>,
  chain: Chain,
  frame: Frame,
): Choice | undefined {
  const { head } = chain;
  const { diagnostics } = frame.context;
  if (head.kind !== "call" || head.path.parts.length > 0 || chain.steps.length > 0) {
    diagnostics.add(errors.choiceExpected(chain.span, what, Object.keys(records)));
    return undefined;
  }
  const name = head.path.root.text;
  const record = Object.hasOwn(records, name) ? records[name] : undefined;
  if (record === undefined) {
    diagnostics.add(errors.unknownChoice(head.path.span, what, name, Object.keys(records)));
    return undefined;
  }
  const signature: Signature = new Map(
    Object.entries(record.options).map(([key, { kind: of, fallback }]) => [
      key,
      { name: key, kind: of, required: fallback === undefined },
    ]),
  );
  tellOwnName(head.path.root, frame);
  frame.context.observe?.(head.span, { kind: "call", callee: name, signature });
  const given = bindArguments(head.arguments ?? [], signature, name, frame);
  if (given === undefined) return undefined;
  const lacking = Object.entries(record.options).filter(
    ([key, { fallback }]) => fallback === undefined && !given.has(key),
  );
  if (lacking.length === 0) return { name, options: readOptions(name, record, given, frame) };
  const examples = lacking.map(([key, { example }]) => [key, example ?? "…"]);
  diagnostics.add(errors.optionsMissing(head, name, Object.fromEntries(examples) as Record<string, string>));
  return undefined;
}

function readOptions(
  name: string,
  record: ChoiceRecord,
  given: ReadonlyMap<string, GivenArgument>,
  frame: Frame,
): Record<string, OptionValue> {
  const options: Record<string, OptionValue> = {};
  for (const [key, { fallback, check }] of Object.entries(record.options)) {
    const argument = given.get(key);
    const value = optionValue(argument?.meaning ?? fallback!);
    options[key] = value;
    const wrong = check(value);
    if (wrong !== undefined && argument !== undefined)
      frame.context.diagnostics.add(errors.optionOutside(argument.span, `${name}'s \`${key}\``, wrong));
  }
  return options;
}

function optionValue(meaning: Meaning): OptionValue {
  if (meaning.kind === "number" || meaning.kind === "bool" || meaning.kind === "word") return meaning.value;
  return meaning.kind === "list"
    ? meaning.items.map((item) => (item.kind === "number" ? item.value : NaN))
    : NaN;
}
