import type { Layer } from "../../language/ast/expressions.ts";
import type { Span } from "../../support/source.ts";
import { reportMissing } from "./arguments.ts";
import { applyBlock } from "./blocks.ts";
import type { Flow, Frame } from "../frame/context.ts";
import * as labelErrors from "../errors/labels.ts";
import { layerRecords } from "../layers/table.ts";
import { evaluateLabel } from "../names/written-label.ts";
import { nameOf, tensor, type Instance, type LayerValue, type Meaning } from "../values/meaning.ts";
import { applyOp } from "./apply-op.ts";
import { readStream } from "../statements/stream.ts";

/** Applies the layer in a layer's place to what flows there. */
export function applyLayer(layer: Layer, flow: Flow, frame: Frame): Meaning | undefined {
  frame.context.budget.spend("steps", 1, layer.span, frame);
  const written = evaluateLabel(layer.label, frame);
  if (written === "wrong") return undefined;
  const label = written?.name;
  const place = flow === "stream" && layer.label === undefined ? "head" : "layer";
  const resolved = frame.context.walk.resolveLayer(layer.call, frame, place);
  if (resolved === "none") return readFlow(flow, layer.span, frame);
  const result =
    resolved === undefined || reportMissing(resolved, layer.call, frame)
      ? undefined
      : applyValue(resolved, label, layer.span, flow, frame);
  if (result === undefined && label !== undefined) frame.labels.addFailed(label);
  return result;
}

/** The meaning that flows; the stream is read only now, as sources do not read it. */
function readFlow(flow: Flow, span: Span, frame: Frame): Meaning | undefined {
  if (flow !== "stream") return flow;
  const value = readStream(frame, span);
  return value === undefined ? undefined : tensor(value);
}

/** Applies a layer that is known; only one with a label can be used again. */
export function applyValue(
  layer: LayerValue,
  label: string | undefined,
  span: Span,
  flow: Flow,
  frame: Frame,
): Meaning | undefined {
  if (layer.callee.kind === "same") return applySame(layer.callee.instance, label, span, flow, frame);
  const { builder, budget } = frame.context;
  const named = nameLayer(layer, label, frame);
  budget.write(named.label.length, span, frame);
  frame.applied.push({ label: label === "" ? undefined : label, kind: nameOf(layer) });
  const owner: Instance = {
    label: named.label,
    layer,
    span,
    owned: new Map(),
    first: builder.parameters.length,
    end: builder.parameters.length,
  };
  const result = run(owner, named.unlabelled, span, flow, frame);
  owner.end = builder.parameters.length;
  frame.context.observe?.(span, { kind: "layer", label: named.label, layer, out: result });
  if (label !== undefined && result !== undefined) frame.labels.addInstance(label, owner);
  return result;
}

function run(
  owner: Instance,
  unlabelled: boolean,
  span: Span,
  flow: Flow,
  frame: Frame,
): Meaning | undefined {
  const { callee } = owner.layer;
  if (callee.kind === "block")
    return applyBlock(
      callee,
      owner,
      unlabelled,
      span,
      flow === "stream" ? lazyStream(frame, span, callee.definition) : flow,
      frame,
    );
  return applyOp(owner, unlabelled, span, flow, frame);
}

/** A block without inputs is a source. */
function lazyStream(
  frame: Frame,
  span: Span,
  definition: { readonly body: { readonly statements: readonly { readonly kind: string }[] } },
): Flow {
  const takesInput = definition.body.statements.some((statement) => statement.kind === "input");
  return takesInput ? readFlow("stream", span, frame) : "stream";
}

interface Naming {
  readonly label: string;
  readonly unlabelled: boolean;
}

/** The full label; a layer without one is named by kind and order if it can own anything. */
function nameLayer(layer: LayerValue, label: string | undefined, frame: Frame): Naming {
  const { labels } = frame;
  if (label !== undefined) return { label: labels.full(label), unlabelled: labels.unlabelled };
  if (!canOwn(layer)) return { label: labels.prefix, unlabelled: labels.unlabelled };
  return { label: labels.full(labels.nextName(nameOf(layer))), unlabelled: true };
}

const canOwn = ({ callee }: LayerValue): boolean =>
  callee.kind === "block" || (callee.kind === "op" && layerRecords[callee.name]!.owns.length > 0);

/** Runs a layer once more with the parameters that it owns. */
function applySame(
  instance: Instance,
  label: string | undefined,
  span: Span,
  flow: Flow,
  frame: Frame,
): Meaning | undefined {
  const { context } = frame;
  if (label !== undefined) {
    context.diagnostics.add(labelErrors.sameWithLabel(span, label, instance), frame.calls);
    return undefined;
  }
  frame.applied.push({ label: instance.label, kind: nameOf(instance.layer) });
  context.replays.push(instance);
  const result = run({ ...instance, owned: new Map() }, false, span, flow, frame);
  context.replays.pop();
  context.observe?.(span, { kind: "layer", label: instance.label, layer: instance.layer, out: result });
  return result;
}
