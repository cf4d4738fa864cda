import type { Call, Chain, Expression, Layer, Tap } from "../../language/ast/expressions.ts";
import type { Flow, Frame } from "../frame/context.ts";
import * as errors from "../errors/bindings.ts";
import { bareName } from "../values/expressions.ts";
import { isFunctionCall } from "../values/functions.ts";
import type { Meaning } from "../values/meaning.ts";
import { matchType } from "../values/types.ts";

/** What a chain ends with. */
export function evaluateChain(chain: Chain, frame: Frame): Meaning | undefined {
  let flow = evaluateHead(chain.head, frame);
  if (chain.headTap !== undefined) bindTap(chain.headTap, flow, frame);
  for (const step of chain.steps) {
    flow = frame.context.walk.applyLayer(step.layer, flow, frame);
    if (step.tap !== undefined) bindTap(step.tap, flow, frame);
  }
  return flow;
}

function evaluateHead(head: Layer | Expression, frame: Frame): Meaning | undefined {
  const layer = headLayer(head, frame);
  if (layer !== undefined) return frame.context.walk.applyLayer(layer, "stream", frame);
  return frame.context.walk.evaluate(head as Expression, frame);
}

/**
 * The layer at the head of a chain: with parentheses or a label it is one; a name alone is one if there is no value of
 * that name. Undefined: the head is a value.
 */
export function headLayer(head: Layer | Expression, frame: Frame): Layer | undefined {
  if (head.kind === "layer") return head;
  if (head.kind !== "call" || isValue(head, frame)) return undefined;
  return { kind: "layer", span: head.span, label: undefined, call: head };
}

const constants: ReadonlySet<string> = new Set(["true", "false", "none", "stream", "training"]);

function isValue(call: Call, frame: Frame): boolean {
  if (call.arguments !== undefined) return isFunctionCall(call);
  const name = bareName(call);
  if (name === undefined || constants.has(name)) return true;
  const binding = frame.scope.find(name);
  return binding !== undefined && binding.meaning?.kind !== "layer";
}

/** `as name`, `as name: type` */
export function bindTap(tap: Tap, flow: Flow, frame: Frame): void {
  const { builder, diagnostics } = frame.context;
  if (flow === "stream" || flow === undefined) {
    frame.scope.bind(tap.name.text, undefined, tap.name.span);
    return;
  }
  if (flow.kind !== "tensor") {
    diagnostics.add(errors.tapOfNoTensor(tap, flow), frame.calls);
    frame.scope.bind(tap.name.text, undefined, tap.name.span);
    return;
  }
  if (tap.type !== undefined)
    matchType(tap.type, flow.value.type, frame, { what: tap.name.text, value: flow.value });
  builder.markRead(flow.value);
  builder.nameValue(flow.value, tap.name.text);
  if (frame.calls.length === 0)
    builder.taps.push({ name: frame.labels.full(tap.name.text), value: flow.value });
  frame.scope.bindNaming(tap, flow);
  frame.context.namings.bound(tap, frame);
}
