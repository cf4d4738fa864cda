import type { Node, Parameter, Value } from "../../ir/graph.ts";
import { operandValues } from "../../ir/node.ts";
import type { AfterStepLine, TrainRuleLine, TrainRuleName } from "../../language/ast.ts";
import type { Text } from "../../language/ast/expressions.ts";
import { namePattern } from "../../support/patterns.ts";
import { spanText } from "../../support/source.ts";
import { sameType } from "../../tensor/type.ts";
import { joinLines } from "../errors/suggest.ts";
import * as errors from "../errors/train-names.ts";
import type { Frame } from "../frame/context.ts";
import { evaluateText } from "../values/expressions.ts";
import { kind } from "../values/kinds.ts";
import { tensor } from "../values/meaning.ts";
import type { Choice } from "./choices.ts";

/**
 * `rate "h.*" 0.5`: what parameters of some names have for themselves. A rate is a share of the schedule's; `eps` and `decay` stand in
 * the place of the optimizer's.
 */
export interface ParameterRule {
  readonly setting: TrainRuleName;
  readonly patterns: readonly string[];
  readonly value: number;
}

/** What a parameter passes through after each step, and before the first: nodes that make `result` of its value. */
export interface AfterStep {
  readonly parameter: string;
  readonly value: Value;
  readonly nodes: readonly Node[];
  readonly result: Value;
  /** The line, as written. */
  readonly text: string;
}

/** What the lines say of one parameter; where several speak of it, the last counts. */
export function rulesFor(
  rules: readonly ParameterRule[],
  name: string,
): Readonly<Partial<Record<TrainRuleName, number>>> {
  const found: Partial<Record<TrainRuleName, number>> = {};
  for (const { setting, patterns, value } of rules)
    if (patterns.some((pattern) => namePattern(pattern).test(name))) found[setting] = value;
  return found;
}

/** Reads `rate`, `eps` or `decay`; undefined if it is wrong. */
export function readRule(
  line: TrainRuleLine,
  optimizer: Choice | undefined,
  frame: Frame,
): ParameterRule | undefined {
  const setting = line.setting.text as TrainRuleName;
  const { diagnostics } = frame.context;
  const patterns = readPatterns(line.patterns, frame);
  const meaning = frame.context.walk.evaluateAs(line.value, kind("float"), frame, `\`${setting}\``);
  if (setting === "eps" && optimizer !== undefined && !("eps" in optimizer.options))
    diagnostics.add(errors.noEps(line.setting.span, optimizer.name));
  if (patterns === undefined || meaning?.kind !== "number") return undefined;
  const { value } = meaning;
  if (setting === "eps" ? value > 0 : value >= 0) return { setting, patterns, value };
  diagnostics.add(
    errors.ruleOutside(line.value.span, setting, setting === "eps" ? "above 0" : "at least 0", value),
  );
  return undefined;
}

/** The texts of patterns; undefined if one of them fails or names no parameter that is trained. */
function readPatterns(texts: readonly Text[], frame: Frame): readonly string[] | undefined {
  const names = trainedIn(frame).map(({ name }) => name);
  const patterns = texts.map((text): string | undefined => {
    const meaning = evaluateText(text, frame);
    if (meaning?.kind !== "text") return undefined;
    if (names.some((name) => namePattern(meaning.value).test(name))) return meaning.value;
    frame.context.diagnostics.add(errors.patternOfNothing(text.span, meaning.value, names));
    return undefined;
  });
  return patterns.every((pattern) => pattern !== undefined) ? patterns : undefined;
}

const trainedIn = ({ context }: Frame): readonly Parameter[] =>
  context.builder.parameters.filter(({ trainable }) => trainable);

/** Reads `after step`: the layer, applied to each of the parameters; what it makes is no part of the model. */
export function readAfterStep(line: AfterStepLine, frame: Frame): readonly AfterStep[] {
  const patterns = readPatterns(line.patterns, frame);
  if (patterns === undefined) return [];
  const text = joinLines(spanText(line.span));
  const named = trainedIn(frame).filter(({ name }) =>
    patterns.some((pattern) => namePattern(pattern).test(name)),
  );
  const found: AfterStep[] = [];
  for (const { name, value } of named) {
    const made = applied(line, name, value, frame);
    // The next ones would fail for the same reason.
    if (made === undefined) break;
    found.push({ parameter: name, value, ...made, text });
  }
  return found;
}

function applied(
  line: AfterStepLine,
  name: string,
  value: Value,
  frame: Frame,
): Pick<AfterStep, "nodes" | "result"> | undefined {
  const { builder, diagnostics, walk } = frame.context;
  const [start, edges] = [builder.mark(), builder.edges.length];
  const before = frame.applied;
  const layer = { kind: "layer", span: line.layer.span, label: undefined, call: line.layer } as const;
  const meaning = walk.applyLayer(layer, tensor(value), frame);
  frame.applied = before;
  const nodes = builder.nodes.splice(start.nodes);
  const own = new Set([value, ...nodes.flatMap(({ results }) => results)]);
  const hasMore =
    builder.parameters.length > start.parameters ||
    builder.edges.length > edges ||
    nodes.some((node) => isDrawn(node) || operandValues(node).some((operand) => !own.has(operand)));
  if (meaning === undefined) return undefined;
  if (hasMore) diagnostics.add(errors.afterStepOfMore(line.layer));
  else if (meaning.kind !== "tensor" || !sameType(meaning.value.type, value.type))
    diagnostics.add(errors.afterStepChanges(line.layer, name, value.type, meaning));
  else return { nodes, result: meaning.value };
  return undefined;
}

/** What differs from step to step, or keeps something of its own. */
const isDrawn = ({ op }: Node): boolean => op === "dropout" || op === "batch_statistics";
