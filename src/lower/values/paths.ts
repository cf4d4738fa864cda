import type { Name, Path, PathPart } from "../../language/ast/expressions.ts";
import { joinSpans, type Span } from "../../support/source.ts";
import type { Frame } from "../frame/context.ts";
import * as labelErrors from "../errors/labels.ts";
import * as errors from "../errors/names.ts";
import * as pathErrors from "../errors/paths.ts";
import type { LabelScope, RanIteration } from "../names/labels.ts";
import { bool, none, tensor, type Meaning } from "./meaning.ts";
import { findDefinition } from "../names/modules.ts";
import { layerRecords } from "../layers/table.ts";
import { tellName, tellOwnName, tellReference } from "../names/references.ts";
import type { Binding } from "../names/scope.ts";
import { readStream } from "../statements/stream.ts";

/** What a name, `list[i]` or `h[k].name` means as an operand: never a layer. */
export function evaluatePath(path: Path, frame: Frame): Meaning | undefined {
  const [first] = path.parts;
  if (first === undefined) return evaluateName(path.root, frame);
  const binding = frame.scope.find(path.root.text);
  if (binding !== undefined && !isRepeat(path, frame)) tellName(path.root, binding, frame);
  if (first.kind === "field" && binding?.meaning?.kind === "tensor" && isShapeOf(first.name.text)) {
    frame.context.diagnostics.add(pathErrors.shapeAsked(path.span, path.root.text), frame.calls);
    return undefined;
  }
  if (binding !== undefined && first.kind === "index" && !isRepeat(path, frame)) {
    const { meaning } = binding;
    if (meaning === undefined) return undefined;
    if (meaning.kind === "list") return indexList(meaning, path, frame);
    if (meaning.kind === "tensor") {
      frame.context.diagnostics.add(pathErrors.tensorIndexed(path.span, path.root.text, first), frame.calls);
      return undefined;
    }
    frame.context.diagnostics.add(pathErrors.valueIndexed(path.span, path.root.text, meaning), frame.calls);
    return undefined;
  }
  return evaluateIteration(path, frame);
}

const isShapeOf = (field: string): boolean => ["shape", "size", "ndim"].includes(field);

const isRepeat = ({ root }: Path, { labels }: Frame): boolean => labels.findRepeat(root.text) !== undefined;

function evaluateName(name: Name, frame: Frame): Meaning | undefined {
  const { text, span } = name;
  if (text === "true" || text === "false" || text === "none" || text === "stream") {
    const meaning = constantOf(text, span, frame);
    tellOwnName(name, frame, meaning);
    return meaning;
  }
  const binding = frame.scope.find(text);
  if (binding !== undefined) {
    tellName(name, binding, frame);
    return markRead(binding, frame);
  }
  if (text === "training") {
    const meaning = bool(frame.context.training);
    tellOwnName(name, frame, meaning);
    return meaning;
  }
  frame.context.diagnostics.add(unknownName(text, span, frame), frame.calls);
  return undefined;
}

/** What no definition can bind. */
function constantOf(
  name: "true" | "false" | "none" | "stream",
  span: Span,
  frame: Frame,
): Meaning | undefined {
  if (name === "none") return none;
  if (name !== "stream") return bool(name === "true");
  const value = readStream(frame, span);
  return value === undefined ? undefined : tensor(value);
}

function markRead({ meaning, naming }: Binding, { context }: Frame): Meaning | undefined {
  if (meaning?.kind === "tensor") context.builder.markRead(meaning.value);
  if (naming !== undefined) context.namings.read(naming);
  return meaning;
}

function unknownName(name: string, span: Span, frame: Frame) {
  const { module, context } = frame;
  const isLayer =
    findDefinition(module, context.library, name) !== undefined || Object.hasOwn(layerRecords, name);
  if (isLayer) return errors.layerIsNoValue(span, name);
  const constant = errors.capitalConstant(span, name);
  if (constant !== undefined) return constant;
  if (/^[A-Z]/.test(name)) return errors.unboundDim(span, name, frame.scope.names());
  return errors.unknownValue(span, name, frame.scope.names(), frame.operands !== undefined);
}

function indexList(list: Meaning & { kind: "list" }, path: Path, frame: Frame): Meaning | undefined {
  let meaning: Meaning = list;
  for (const part of path.parts) {
    if (part.kind !== "index" || meaning.kind !== "list") {
      frame.context.diagnostics.add(pathErrors.noSuchPart(path.span, part, meaning), frame.calls);
      return undefined;
    }
    const index = evaluateIndex(part, frame);
    if (index === undefined) return undefined;
    const item: Meaning | undefined = meaning.items[index];
    if (item === undefined) {
      frame.context.diagnostics.add(
        pathErrors.indexOutside(path.span, part.span, index, meaning.items.length),
        frame.calls,
      );
      return undefined;
    }
    meaning = item;
  }
  return meaning;
}

function evaluateIndex(part: PathPart & { kind: "index" }, frame: Frame): number | undefined {
  const kind = { name: "int", optional: false } as const;
  const index = frame.context.walk.evaluateAs(part.value, kind, frame, "an index");
  if (index === undefined) return undefined;
  if (index.kind === "number") return index.value;
  frame.context.diagnostics.add(pathErrors.indexNotKnown(part.span, index), frame.calls);
  return undefined;
}

/** `h[k].name`, `model.layers[k].inner[j].name`: what the name was when that iteration ended. */
function evaluateIteration(path: Path, frame: Frame): Meaning | undefined {
  const found = walkIterations(path, frame);
  if (found === undefined) return undefined;
  const { iteration, rest, at, span } = found;
  if (iteration === undefined || rest === "") {
    const text = [
      path.root.text,
      ...path.parts.map((part) => (part.kind === "field" ? part.name.text : "[]")),
    ];
    frame.context.diagnostics.add(pathErrors.noSuchPath(path.span, text.join(".")), frame.calls);
    return undefined;
  }
  if (iteration.end === undefined && !frame.scope.isBoundSince(rest, iteration.start)) {
    frame.context.diagnostics.add(labelErrors.notBoundYet(span, rest), frame.calls);
    return undefined;
  }
  if (rest === "stream") return iteration.stream === undefined ? undefined : tensor(iteration.stream);
  const binding = frame.scope.find(rest, iteration.end);
  if (binding !== undefined) {
    tellName({ text: rest, span: at }, binding, frame);
    return markRead(binding, frame);
  }
  frame.context.diagnostics.add(pathErrors.notInIteration(span, at, rest, frame.scope.names()), frame.calls);
  return undefined;
}

export interface WalkedPath {
  /** Undefined if the path has no index. */
  readonly iteration: RanIteration | undefined;
  /** The scope in which the rest is a label. */
  readonly labels: LabelScope;
  /** What follows the last index, its parts joined with dots. */
  readonly rest: string;
  /** Where that stands. */
  readonly at: Span;
  readonly span: Span;
}

/** Follows `label[k]` again and again; reports a repeat or an iteration that is not there. */
export function walkIterations(path: Path, frame: Frame): WalkedPath | undefined {
  let { labels } = frame;
  let iteration: RanIteration | undefined;
  let label = path.root.text;
  let span = path.root.span;
  let at = path.root.span;
  for (const part of path.parts) {
    if (part.kind === "field") {
      at = label === "" ? part.name.span : joinSpans(at, part.name.span);
      label = label === "" ? part.name.text : `${label}.${part.name.text}`;
      span = joinSpans(span, part.name.span);
      continue;
    }
    const index = evaluateIndex(part, frame);
    if (index === undefined) return undefined;
    const repeat = labels.findRepeat(label);
    if (repeat === undefined) {
      frame.context.diagnostics.add(
        labelErrors.noSuchRepeat(span, label, labels.repeatLabels()),
        frame.calls,
      );
      return undefined;
    }
    const ran = repeat.get(index);
    if (ran === undefined) {
      const diagnostic = labelErrors.iterationNotRun(part.span, label, index, [...repeat.keys()]);
      frame.context.diagnostics.add(diagnostic, frame.calls);
      return undefined;
    }
    tellReference({ text: label, span: at }, { definition: ran.name }, frame);
    [iteration, labels, label] = [ran, ran.labels, ""];
  }
  return { iteration, labels, rest: label, at, span };
}
