import type { Graph, Output, PartialGraph, Value } from "../ir/graph.ts";
import { keepOutputs, type KeptOutputs } from "../ir/keep-outputs.ts";
import type { Definition, File } from "../language/ast.ts";
import type { Diagnostic } from "../support/diagnostic.ts";
import type { Span } from "../support/source.ts";
import { bindParameters, tellUnneededDefaults } from "./calls/blocks.ts";
import { applyLayer, applyValue } from "./calls/apply.ts";
import { Budget, OverBudget } from "./frame/budget.ts";
import { Builder } from "./frame/builder.ts";
import { evaluateChain } from "./statements/chains.ts";
import { settingsFromConfig, type ConfigOptions } from "./config/config.ts";
import { originNotes, type ConfigArgument } from "./config/origin.ts";
import { writtenSections, type WrittenSection } from "./config/written/write.ts";
import type { Context, Frame, WholeAttention } from "./frame/context.ts";
import * as bindingErrors from "./errors/bindings.ts";
import * as fileErrors from "./errors/files.ts";
import { evaluateAs } from "./values/evaluate-as.ts";
import { evaluate } from "./values/expressions.ts";
import { LabelScope } from "./names/labels.ts";
import type { OwnLint } from "./lints/lint.ts";
import { lintNames } from "./lints/names.ts";
import { checkOwnLints } from "./lints/own.ts";
import { reportLints } from "./lints/report.ts";
import { showMeaning, type GivenArgument, type Meaning } from "./values/meaning.ts";
import { Namings } from "./names/namings.ts";
import type { Module } from "./names/module.ts";
import { library, loadModule, type ResolveUse } from "./names/modules.ts";
import type { Observe } from "./names/observe.ts";
import { Diagnostics } from "./frame/report.ts";
import { tellUncalled } from "./names/references.ts";
import { resolveLayer } from "./calls/resolve.ts";
import { Scope } from "./names/scope.ts";
import { readSettings, type SettingValue } from "./config/settings.ts";
import { lowerBody, lowerStatement } from "./statements/statements.ts";
import { readStream, warnOfDeadEnd } from "./statements/stream.ts";
import { lowerTrain, type LoweredTrain } from "./train/train.ts";

export interface LowerOptions extends ConfigOptions {
  /** Which model of the file; the first if not given. */
  readonly model?: string;
  /** Parameters by name: texts as on the command line (`placement=post`), or values. They win over `config`. */
  readonly settings?: Readonly<Record<string, SettingValue>>;
  /** Finds the files of `use` lines; without it every `use` is an error. */
  readonly resolveUse?: ResolveUse;
  /** The outputs to keep: what none of them needs is left out, weights too. All of them if not given. */
  readonly outputs?: readonly string[];
  /** Reads the `config` section backwards too: what a config.json of this model says. */
  readonly writeConfig?: boolean;
  /** The training graph: `training` is true in it, batch norms take the batch's statistics. */
  readonly training?: boolean;
  /**
   * Told of each attention with dropout while it trains, by its result: it then stays one op, for engines that drop shares of a
   * softmax themselves. Without it a training graph has such attention in ops of their own.
   */
  readonly wholeAttention?: WholeAttention;
  /** Sees what pieces of the text mean, for editors. */
  readonly observeText?: Observe;
  /** Also warns of what is well-formed and yet most likely a mistake (`lints/`). Default: if there are `lints`. */
  readonly lint?: boolean;
  /** Lints beside ours. A name or a code that is not their own throws a RangeError. */
  readonly lints?: readonly OwnLint[];
}

/** A model whose names, parameters and shapes have been worked out. */
export interface LoweredModel {
  readonly name: string;
  readonly graph: Graph;
  /** Parameters that the outputs which were asked for do not need, by name: weights may have them. */
  readonly notNeeded: readonly string[];
  /** What each parameter of the model was in the end. */
  readonly parameters: readonly ResolvedParameter[];
  /** What the config said of parameters, by name. */
  readonly configured: ReadonlyMap<string, Meaning>;
  /** What its section says of a config.json that has its parameters, with `writeConfig`; empty without an `architecture`. */
  readonly written: readonly WrittenSection[];
  /** The `train` section, if there is one. */
  readonly train: LoweredTrain | undefined;
  /** Full names of weights in which a part was made up, for a warning when they are saved or loaded. */
  readonly unlabelled: readonly { readonly name: string; readonly span: Span }[];
  /** What its body names by `as NAME`: `h.0.level`. */
  readonly taps: readonly { readonly name: string; readonly value: Value }[];
  readonly span: Span;
}

export interface ResolvedParameter {
  readonly name: string;
  /** As `.lmg` writes it. */
  readonly value: string;
  readonly from: "default" | "config" | "setting";
}

export interface Lowered {
  /** Undefined if there was an error. */
  readonly model: LoweredModel | undefined;
  /** If there was an error: what could be lowered before the mistakes and around them, with the outputs that are known. */
  readonly partial: PartialGraph | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** Lowers one model of a parsed file to a graph. All mistakes are diagnostics; errors leave the model undefined. */
export function lower(file: File, options: LowerOptions = {}): Lowered {
  const diagnostics = new Diagnostics((source) => library.has(source));
  const module = loadModule(file, options.resolveUse ?? (() => undefined), (diagnostic) =>
    diagnostics.add(diagnostic),
  );
  const context = newContext(diagnostics, options);
  const definition = chooseModel(file, options.model, diagnostics);
  if (definition === undefined) {
    tellUncalled(module, context);
    return { model: undefined, partial: undefined, diagnostics: diagnostics.all };
  }
  const frame = openModel(definition, module, context);
  const model = withinBudget(diagnostics, () => lowerModel(frame, options));
  tellUncalled(module, context);
  return diagnostics.failed
    ? { model: undefined, partial: partialGraph(frame), diagnostics: diagnostics.all }
    : { model, partial: undefined, diagnostics: diagnostics.all };
}

/** What is lowered, or the one message that it would take too much. */
function withinBudget<T>(diagnostics: Diagnostics, run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof OverBudget)) throw error;
    diagnostics.add(error.diagnostic, error.calls);
    return undefined;
  }
}

function chooseModel(file: File, name: string | undefined, diagnostics: Diagnostics): Definition | undefined {
  const models = file.definitions.filter((definition) => definition.kind === "model");
  const chosen = name === undefined ? models[0] : models.find((model) => model.name.text === name);
  if (chosen === undefined) {
    const span = { source: file.source, start: 0, end: 0 };
    const names = models.map((model) => model.name.text);
    diagnostics.add(
      name === undefined ? fileErrors.noModel(span) : fileErrors.unknownModel(span, name, names),
    );
  }
  return chosen;
}

const newContext = (
  diagnostics: Diagnostics,
  { training = false, wholeAttention, observeText, lints = [] }: LowerOptions,
  budget = new Budget(),
): Context => ({
  budget,
  builder: new Builder(budget),
  library,
  diagnostics,
  training,
  wholeAttention,
  observe: observeText,
  lowered: new Set(),
  walk: {
    evaluate,
    evaluateAs,
    chain: evaluateChain,
    resolveLayer,
    applyLayer,
    applyValue,
    body: lowerBody,
    statement: lowerStatement,
  },
  defaults: new Map(),
  signatures: new Map(),
  replays: [],
  unlabelled: new Map(),
  namings: new Namings(),
  scaledEdges: new Set(),
  lintNames: [...lintNames, ...checkOwnLints(lints).map(({ name }) => name)],
  allowed: new Map(),
  depth: 0,
});

const openModel = (definition: Definition, module: Module, context: Context): Frame => ({
  context,
  module,
  definition,
  scope: new Scope(
    (name, span) => context.diagnostics.add(bindingErrors.defaultsInCircle(span, name)),
    context.observe,
  ),
  calls: [],
  stack: [definition],
  outputs: [],
  labels: new LabelScope("", false),
  stream: { kind: "unset" },
  inputs: new Map(),
  stopped: false,
  operands: undefined,
  applied: [],
});

function lowerModel(frame: Frame, options: LowerOptions): LoweredModel | undefined {
  const { context, definition } = frame;
  const { builder, diagnostics } = context;
  const fromConfig =
    options.config === undefined ? new Map<string, ConfigArgument>() : settingsFromConfig(options, frame);
  const fromSettings = readSettings(options.settings ?? {}, frame);
  // A model with other parameters than the checkpoint's has nothing to say.
  if (fromConfig === undefined) return undefined;
  const given = new Map<string, GivenArgument>([...fromConfig, ...fromSettings]);
  if (options.config !== undefined)
    diagnostics.noteOf = originNotes(definition, fromConfig, fromSettings, options.configName);
  requireParameters(frame, given);
  context.lowered.add(definition);
  bindParameters(frame, given);
  lowerBody(definition.body, frame);
  const outputs = modelOutputs(frame);
  // Defaults that nothing needed may still be wrong.
  const parameters = resolveParameters(frame, fromSettings, fromConfig);
  tellUnneededDefaults(frame);
  const graph =
    outputs === undefined || diagnostics.failed ? undefined : builder.finish(definition.name.text, outputs);
  // Without outputs there is nothing that losses could read: what would be said of them follows from what was said.
  const train = outputs === undefined ? undefined : lowerTrain(frame, outputs);
  warnOfDeadEnd(frame);
  if (graph === undefined) return undefined;
  const { lints: ownLints = [], lint = ownLints.length > 0 } = options;
  const asWritten = given.size === 0;
  if (lint && !diagnostics.failed)
    reportLints({ graph, train, context, module: frame.module, definition, ownLints, asWritten });
  return {
    name: definition.name.text,
    ...keepAsked(graph, options.outputs, frame),
    parameters,
    configured: new Map([...fromConfig].map(([name, { meaning }]) => [name, meaning])),
    written: options.writeConfig === true ? writtenSections(frame, finalParameters(frame)) : [],
    train,
    unlabelled: [...context.unlabelled].map(([name, span]) => ({ name, span })),
    taps: context.builder.taps,
    span: definition.span,
  };
}

/** The graph with the outputs that were asked for; a name that is none of them is an error. */
function keepAsked(graph: Graph, asked: readonly string[] | undefined, frame: Frame): KeptOutputs {
  if (asked === undefined) return { graph, notNeeded: [] };
  const names = graph.outputs.map(({ name }) => name);
  for (const name of asked)
    if (!names.includes(name))
      frame.context.diagnostics.add(fileErrors.unknownOutput(frame.definition.name.span, name, names));
  return keepOutputs(graph, new Set(asked));
}

function resolveParameters(
  frame: Frame,
  fromSettings: ReadonlyMap<string, GivenArgument>,
  fromConfig: ReadonlyMap<string, GivenArgument>,
): readonly ResolvedParameter[] {
  const meanings = finalParameters(frame);
  return frame.definition.parameters.map(({ name: { text: name } }) => {
    const meaning = meanings.get(name);
    const from = fromSettings.has(name) ? "setting" : fromConfig.has(name) ? "config" : "default";
    return { name, value: meaning === undefined ? "" : showMeaning(meaning), from };
  });
}

/** What each parameter of the model is; one that failed is left out. */
function finalParameters({ definition: { parameters }, scope }: Frame): ReadonlyMap<string, Meaning> {
  return new Map(
    parameters.flatMap(({ name: { text: name } }): [string, Meaning][] => {
      // Each parameter is one binding, made before all others: a later value of the name does not hide it here.
      const meaning = scope.find(name, parameters.length)?.meaning;
      return meaning === undefined ? [] : [[name, meaning]];
    }),
  );
}

function requireParameters(frame: Frame, given: ReadonlyMap<string, GivenArgument>): void {
  for (const parameter of frame.definition.parameters)
    if (parameter.default === undefined && !given.has(parameter.name.text)) {
      frame.context.diagnostics.add(bindingErrors.parameterNeedsValue(parameter));
      frame.scope.bind(parameter.name.text, undefined, parameter.name.span);
    }
}

const partialGraph = ({ context: { builder }, definition, outputs }: Frame): PartialGraph =>
  builder.gather(
    definition.name.text,
    outputs.flatMap(({ name, value, span }) => (value === undefined ? [] : [{ name, value, span }])),
  );

/** A model without `output` gives its stream. */
function modelOutputs(frame: Frame): readonly Output[] | undefined {
  if (frame.stopped) return undefined;
  if (frame.outputs.length === 0) {
    const { span } = frame.definition.name;
    const value = readStream(frame, span);
    return value === undefined ? undefined : [{ name: "stream", value, span }];
  }
  const outputs: Output[] = [];
  for (const { name, value, span } of frame.outputs)
    if (value !== undefined) outputs.push({ name, value, span });
  return outputs.length === frame.outputs.length ? outputs : undefined;
}
