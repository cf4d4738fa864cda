import type { Graph, Output, Value } from "../../ir/graph.ts";
import type {
  AfterStepLine,
  TrainLine,
  TrainRuleLine,
  TrainSettingName,
  TrainStatement,
} from "../../language/ast.ts";
import type { Chain } from "../../language/ast/expressions.ts";
import { spanText, type Span } from "../../support/source.ts";
import { readAfterStep, readRule, type AfterStep, type ParameterRule } from "./by-name.ts";
import { readAugmentation, type Augmentation } from "./augment.ts";
import type { Frame } from "../frame/context.ts";
import * as errors from "../errors/train.ts";
import { kind, type KindName } from "../values/kinds.ts";
import { tensor, type Meaning } from "../values/meaning.ts";
import { takenBody } from "../statements/conditions.ts";
import { optimizers, readChoice, schedules, type Choice } from "./choices.ts";
import { declareType } from "../values/types.ts";

/** The `train` section, checked: the loss as a graph, and how to go about it. */
export interface LoweredTrain {
  /** Inputs and targets in; `loss` (the sum of the losses) and the metrics, by the name of their layer, out. */
  readonly graph: Graph;
  readonly targets: readonly string[];
  readonly optimizer: Choice | undefined;
  readonly schedule: Choice | undefined;
  /** What parameters have for themselves, by name; the last that speaks of one counts. */
  readonly rules: readonly ParameterRule[];
  /** What parameters pass through after each step and before the first, in this order. */
  readonly after: readonly AfterStep[];
  /** One an input at most. */
  readonly augment: readonly Augmentation[];
  readonly batch: number | undefined;
  /** Batches whose gradients are averaged for one step of the optimizer. */
  readonly accumulate: number | undefined;
  /** One of both at most. */
  readonly epochs: number | undefined;
  readonly steps: number | undefined;
  /** Evaluations without a smaller loss after which the training ends. */
  readonly patience: number | undefined;
  /** The largest norm of all gradients together. */
  readonly clip: number | undefined;
  readonly data: NamedData | undefined;
  readonly seed: number | undefined;
}

/** The file that the text names as its data. */
export interface NamedData {
  readonly path: string;
  readonly span: Span;
}

interface Draft {
  readonly targets: string[];
  readonly losses: Value[];
  readonly metrics: Output[];
  readonly augment: Augmentation[];
  readonly rules: TrainRuleLine[];
  readonly after: AfterStepLine[];
  readonly first: Map<TrainSettingName, TrainLine>;
  readonly choices: Map<"optimizer" | "schedule", Choice>;
  readonly numbers: Map<TrainSettingName, number>;
  data: NamedData | undefined;
}

/** Lowers the `train` section after the model; undefined if there is none, or if it is wrong. */
export function lowerTrain(frame: Frame, outputs: readonly Output[] | undefined): LoweredTrain | undefined {
  const sections = frame.definition.body.statements.filter(
    (statement): statement is TrainStatement => statement.kind === "train",
  );
  const [section, second] = sections;
  if (section === undefined) return undefined;
  if (second !== undefined) frame.context.diagnostics.add(errors.twoSections(second.span, section.span));
  for (const { name, value } of outputs ?? [])
    if (frame.scope.find(name) === undefined)
      frame.scope.bind(name, tensor(value), frame.outputs.find((output) => output.name === name)?.at);
  const draft = readSection(section, frame);
  const rules = draft.rules.flatMap((line) => readRule(line, draft.choices.get("optimizer"), frame) ?? []);
  const after = draft.after.flatMap((line) => readAfterStep(line, frame));
  const loss = sumOf(draft.losses, section, frame);
  if (frame.context.diagnostics.failed || loss === undefined) return undefined;
  return {
    graph: frame.context.builder.finish(`${frame.definition.name.text}_train`, [loss, ...draft.metrics]),
    targets: draft.targets,
    optimizer: draft.choices.get("optimizer"),
    schedule: draft.choices.get("schedule"),
    rules,
    after,
    augment: draft.augment,
    batch: draft.numbers.get("batch"),
    accumulate: draft.numbers.get("accumulate"),
    epochs: draft.numbers.get("epochs"),
    steps: draft.numbers.get("steps"),
    patience: draft.numbers.get("patience"),
    clip: draft.numbers.get("clip"),
    data: draft.data,
    seed: draft.numbers.get("seed"),
  };
}

function readSection(section: TrainStatement, frame: Frame): Draft {
  const draft: Draft = {
    targets: [],
    losses: [],
    metrics: [],
    augment: [],
    rules: [],
    after: [],
    first: new Map(),
    choices: new Map(),
    numbers: new Map(),
    data: undefined,
  };
  readLines(section.lines, draft, frame);
  const [epochs, steps] = [draft.first.get("epochs"), draft.first.get("steps")];
  if (epochs !== undefined && steps !== undefined)
    frame.context.diagnostics.add(errors.epochsAndSteps(epochs.span, steps.span));
  if (!draft.first.has("loss")) frame.context.diagnostics.add(errors.noLoss(section.span));
  return draft;
}

function readLines(lines: readonly TrainLine[], draft: Draft, frame: Frame): void {
  for (const line of lines)
    switch (line.kind) {
      case "target":
        lowerTarget(line, draft, frame);
        break;
      case "bind":
        frame.context.walk.statement(line, frame);
        break;
      // Both speak of parameters, which a loss may still make.
      case "rule":
        draft.rules.push(line);
        break;
      case "after":
        draft.after.push(line);
        break;
      case "if": {
        const taken = takenBody(line, frame);
        if (taken !== "failed" && taken !== undefined) readLines(taken.lines, draft, frame);
        break;
      }
      case "setting":
        lowerSetting(line, draft, frame);
    }
}

function lowerTarget(line: TrainLine & { readonly kind: "target" }, draft: Draft, frame: Frame): void {
  const { builder, diagnostics } = frame.context;
  const { name } = line;
  const other = builder.inputs.find((input) => input.name === name.text);
  if (other !== undefined) diagnostics.add(errors.targetTwice(name, other.span));
  const type = declareType(line.type, frame);
  const value =
    type === undefined || other !== undefined
      ? undefined
      : builder.addInput(name.text, type, undefined, line.span);
  frame.scope.bind(name.text, value === undefined ? undefined : tensor(value), name.span);
  draft.targets.push(name.text);
}

/** Settings that are one number: its kind and its smallest value. */
const numberSettings: Partial<
  Readonly<Record<TrainSettingName, { readonly of: KindName; readonly least: number }>>
> = {
  batch: { of: "int", least: 1 },
  accumulate: { of: "int", least: 1 },
  epochs: { of: "int", least: 1 },
  steps: { of: "int", least: 1 },
  patience: { of: "int", least: 1 },
  seed: { of: "int", least: 0 },
  clip: { of: "float", least: 0 },
};

/** Settings that may stand several times. */
const repeatable: ReadonlySet<TrainSettingName> = new Set(["loss", "metric", "augment"]);

function lowerSetting(line: TrainLine & { readonly kind: "setting" }, draft: Draft, frame: Frame): void {
  const name = line.setting.text as TrainSettingName;
  const { diagnostics } = frame.context;
  const first = draft.first.get(name);
  if (first === undefined) draft.first.set(name, line);
  else if (!repeatable.has(name)) diagnostics.add(errors.settingTwice(line.setting, first.span));
  switch (name) {
    case "loss":
      lowerLoss(line.chain, draft, frame);
      return;
    case "metric":
      lowerMetric(line.chain, draft, frame);
      return;
    case "optimizer":
    case "schedule": {
      const choice = readChoice(name, name === "optimizer" ? optimizers : schedules, line.chain, frame);
      if (choice !== undefined) draft.choices.set(name, choice);
      return;
    }
    case "augment": {
      const names = frame.context.builder.inputs.map((input) => input.name);
      const inputs = names.filter((input) => !draft.targets.includes(input));
      const augmentation = readAugmentation(line.chain, inputs, draft.augment, frame);
      if (augmentation !== undefined) draft.augment.push(augmentation);
      return;
    }
    case "data": {
      const meaning = plainValue(line.chain, "text", name, frame);
      if (meaning?.kind === "text") draft.data = { path: meaning.value, span: line.chain.span };
      return;
    }
    case "batch":
    case "accumulate":
    case "epochs":
    case "steps":
    case "patience":
    case "seed":
    case "clip": {
      const { of, least } = numberSettings[name]!;
      const meaning = plainValue(line.chain, of, name, frame);
      if (meaning?.kind !== "number") return;
      const isEnough = name === "clip" ? meaning.value > 0 : meaning.value >= least;
      if (isEnough) draft.numbers.set(name, meaning.value);
      else diagnostics.add(errors.settingTooSmall(line.chain.span, name, least, meaning.value));
    }
  }
}

function plainValue(chain: Chain, of: KindName, name: string, frame: Frame): Meaning | undefined {
  if (chain.head.kind === "layer" || chain.steps.length > 0) {
    frame.context.diagnostics.add(errors.settingIsNoChain(chain.span, name));
    return undefined;
  }
  return frame.context.walk.evaluateAs(chain.head, kind(of), frame, `\`${name}\``);
}

/** The value of a loss or a metric: a scalar. */
function scalarOf(chain: Chain, what: string, frame: Frame): Value | undefined {
  const meaning = frame.context.walk.chain(chain, frame);
  if (meaning === undefined) return undefined;
  if (meaning.kind === "tensor" && meaning.value.type.shape.length === 0) return meaning.value;
  frame.context.diagnostics.add(errors.noScalar(chain.span, what, meaning));
  return undefined;
}

function lowerLoss(chain: Chain, draft: Draft, frame: Frame): void {
  const value = scalarOf(chain, "loss", frame);
  if (value !== undefined) draft.losses.push(value);
}

/** What a training step and the lines of its metrics.jsonl have for themselves, beside the metrics. */
const ownMeasures: ReadonlySet<string> = new Set([
  "loss",
  "gradient_norm",
  "step",
  "lr",
  "seconds",
  "tokens_per_second",
  "samples_per_second",
  "validation",
  "batches",
]);

function lowerMetric(chain: Chain, draft: Draft, frame: Frame): void {
  const value = scalarOf(chain, "metric", frame);
  if (value === undefined) return;
  const last = chain.steps.at(-1);
  // The name is read by whoever reads the metrics.
  if (last?.tap !== undefined) frame.context.namings.read(last.tap);
  const name = last?.tap?.name.text ?? last?.layer.call.path.root.text ?? spanText(chain.span);
  if (ownMeasures.has(name)) {
    frame.context.diagnostics.add(errors.metricTaken(last?.tap?.name.span ?? chain.span, name));
    return;
  }
  const taken = new Set(draft.metrics.map((metric) => metric.name));
  let free = name;
  for (let number = 1; taken.has(free); number++) free = `${name}_${number}`;
  draft.metrics.push({ name: free, value, span: chain.span });
}

/** Several losses add up. */
function sumOf(losses: readonly Value[], section: TrainStatement, frame: Frame): Output | undefined {
  const [first, ...others] = losses;
  if (first === undefined) return undefined;
  let value = first;
  for (const loss of others) {
    const sum = frame.context.walk.applyValue(
      { callee: { kind: "op", name: "add" }, given: new Map(), span: section.span },
      undefined,
      section.span,
      { kind: "tuple", items: [tensor(value), tensor(loss)] },
      frame,
    );
    if (sum?.kind !== "tensor") return undefined;
    value = sum.value;
  }
  return { name: "loss", value, span: section.span };
}
