import type { Call, Path } from "../../language/ast/expressions.ts";
import type { Diagnostic } from "../../support/diagnostic.ts";
import { callLayer } from "./arguments.ts";
import type { CallPlace, Frame } from "../frame/context.ts";
import * as errors from "../errors/names.ts";
import * as pathErrors from "../errors/paths.ts";
import { layerRecords } from "../layers/table.ts";
import type { Callee, LayerValue } from "../values/meaning.ts";
import { functions } from "../values/functions.ts";
import { tellName, tellOwnName, tellReference } from "../names/references.ts";
import { findDefinition, visibleDefinitions } from "../names/modules.ts";

const noArguments = new Map<string, never>();

/**
 * The layer that a call in a layer's place means: a parameter or `let` that holds one, a block of the file, of a used
 * file or the library, an op. `none` for a parameter that holds no layer. Undefined where it means none, which is told.
 */
export function resolveLayer(
  call: Call,
  frame: Frame,
  place: CallPlace = "layer",
): LayerValue | "none" | undefined {
  const name = call.path.root.text;
  if (call.path.parts.length > 0) {
    const isTensor = frame.scope.find(name)?.meaning?.kind === "tensor" || name === "stream";
    const isLabel = leadsToLabel(call.path, frame);
    frame.context.diagnostics.add(
      pathErrors.pathIsNoLayer(call, layerNames(frame), isTensor, isLabel),
      frame.calls,
    );
    return undefined;
  }
  if (name === "none" || name === "same") tellOwnName(call.path.root, frame);
  if (name === "none") return "none";
  if (name === "same") return resolveSame(call, frame);
  const binding = frame.scope.find(name);
  const meaning = binding?.meaning;
  if (binding !== undefined && (meaning?.kind === "none" || meaning?.kind === "layer")) {
    tellName(call.path.root, binding, frame);
    if (meaning.kind === "none") return "none";
    return withArguments({ ...meaning.layer, span: call.span }, call, frame);
  }
  const callee = findCallee(name, frame);
  if (callee !== undefined) {
    const definition = callee.kind === "block" ? callee.definition.name.span : undefined;
    const layer: LayerValue = { callee, given: noArguments, span: call.span };
    tellReference(call.path.root, { definition, value: { kind: "layer", layer } }, frame);
    return withArguments(layer, call, frame);
  }
  const [labelled] = frame.labels.findInstances(name);
  if (binding === undefined && labelled === undefined && frame.module.incomplete) return undefined;
  if (binding === undefined)
    frame.context.diagnostics.add(
      labelled === undefined ? unknownCallee(call, place, frame) : errors.labelIsNoLayer(call, labelled.span),
      frame.calls,
    );
  else if (binding.meaning !== undefined)
    frame.context.diagnostics.add(
      place === "value" && call.arguments !== undefined
        ? errors.valueIsCalled(call, binding.meaning)
        : errors.valueIsNoLayer(call, binding.meaning),
      frame.calls,
    );
  return undefined;
}

function unknownCallee(call: Call, place: CallPlace, frame: Frame): Diagnostic {
  const layers = layerNames(frame);
  const { span, root } = call.path;
  if (place === "value" && call.arguments !== undefined)
    return errors.unknownCall(call, Object.keys(functions), layers);
  if (place === "head" && call.arguments === undefined)
    return errors.capitalConstant(span, root.text) ?? errors.unknownHead(call, frame.scope.names(), layers);
  return errors.unknownLayer(call, layers);
}

/** True for the label of a layer, and for what may be one in an iteration. */
function leadsToLabel({ root, parts }: Path, { labels }: Frame): boolean {
  const end = parts.findIndex((part) => part.kind === "index");
  const fields = parts.slice(0, end < 0 ? parts.length : end);
  const label = [
    root.text,
    ...fields.flatMap((part) => (part.kind === "field" ? [part.name.text] : [])),
  ].join(".");
  return end < 0 ? labels.findInstances(label).length > 0 : labels.findRepeat(label) !== undefined;
}

const withArguments = (layer: LayerValue, call: Call, frame: Frame): LayerValue | undefined =>
  call.arguments === undefined ? layer : callLayer(layer, call, frame);

function findCallee(name: string, frame: Frame): Callee | undefined {
  const found = findDefinition(frame.module, frame.context.library, name);
  if (found !== undefined) return { kind: "block", ...found };
  return Object.hasOwn(layerRecords, name) ? { kind: "op", name } : undefined;
}

/** `same(LABEL)`: the layer at that label, weights and all. */
function resolveSame(call: Call, frame: Frame): LayerValue | undefined {
  const [argument, ...others] = call.arguments ?? [];
  if (argument === undefined || others.length > 0) {
    frame.context.diagnostics.add(pathErrors.sameNeedsLabel(call), frame.calls);
    return undefined;
  }
  const kind = { name: "label", optional: false } as const;
  const label = frame.context.walk.evaluateAs(argument.value, kind, frame, "`same`");
  if (label?.kind !== "label") return undefined;
  return { callee: { kind: "same", instance: label.instance }, given: noArguments, span: call.span };
}

/** Every name that could stand in a layer's place, nearest kinds first. */
function layerNames(frame: Frame): string[] {
  const held = [...frame.scope.names()].filter((name) => frame.scope.known(name)?.kind === "layer");
  return [
    ...held,
    ...visibleDefinitions(frame.module, frame.context.library),
    ...Object.keys(layerRecords),
    "same",
  ];
}
