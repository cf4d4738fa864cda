import type { EdgeGain, Value } from "../../ir/graph.ts";
import { spanText } from "../../support/source.ts";
import type { Gained } from "./clauses.ts";
import type { Frame } from "../frame/context.ts";
import { reportMissing } from "../calls/arguments.ts";
import * as errors from "../errors/edges.ts";
import { joinLines } from "../errors/suggest.ts";
import { constantInit } from "../layers/define.ts";
import { layerRecords } from "../layers/table.ts";
import { showMeaning, type LayerValue, type Meaning } from "../values/meaning.ts";
import { evaluateLabel } from "../names/written-label.ts";
import { setStream } from "../statements/stream.ts";

/** A gain of an edge: a number, a tensor that multiplies, or the gained value itself after a layer. */
export interface Gain {
  readonly scale: number;
  readonly tensor?: Value;
  readonly applied?: Value;
  readonly shown: EdgeGain | undefined;
}

export const noGain: Gain = { scale: 1, shown: undefined };

/**
 * `skip` or `branch` and what follows. A chain that begins with a value or a source gives what multiplies; one that
 * begins with another layer is applied to the gained value. `scale` alone is a learned tensor that multiplies.
 */
export function evaluateGain(gained: Gained, value: Value | undefined, frame: Frame): Gain | undefined {
  const { clause, head } = gained;
  const text = joinLines(spanText(clause.gain.span));
  if (head === undefined)
    return multiplying(frame.context.walk.chain(clause.gain, frame), text, gained, frame);
  const resolved = frame.context.walk.resolveLayer(head.call, frame);
  if (resolved === undefined) return undefined;
  if (resolved === "none" && clause.gain.steps.length === 0) return noGain;
  if (resolved !== "none" && isSource(resolved))
    return multiplying(frame.context.walk.chain(clause.gain, frame), text, gained, frame);
  if (resolved !== "none" && isPlainScale(resolved) && clause.gain.steps.length === 0)
    return scaleGain(gained, resolved, text, frame);
  return applied(gained, value, text, frame);
}

const isPlainScale = ({ callee }: LayerValue): boolean => callee.kind === "op" && callee.name === "scale";

/** A layer that nothing flows into. */
function isSource({ callee }: LayerValue): boolean {
  if (callee.kind === "op") return layerRecords[callee.name]!.operands.length === 0;
  return (
    callee.kind === "block" &&
    !callee.definition.body.statements.some((statement) => statement.kind === "input")
  );
}

function multiplying(
  meaning: Meaning | undefined,
  text: string,
  gained: Gained,
  frame: Frame,
): Gain | undefined {
  if (meaning?.kind === "number")
    return { scale: meaning.value, shown: { kind: "number", text: showMeaning(meaning) } };
  if (meaning?.kind === "tensor") return { scale: 1, tensor: meaning.value, shown: { kind: "tensor", text } };
  if (meaning !== undefined)
    frame.context.diagnostics.add(errors.gainOfWhat(gained.clause, meaning), frame.calls);
  return undefined;
}

/** `scale(shape)` on an edge: its parameter is the edge's gain, so that the edge keeps it when it is fused. */
function scaleGain(gained: Gained, layer: LayerValue, text: string, frame: Frame): Gain | undefined {
  const head = gained.head!;
  if (reportMissing(layer, head.call, frame)) return undefined;
  const given = new Map(layer.given);
  if (!given.has("init"))
    given.set("init", { meaning: { kind: "init", init: constantInit(1) }, span: layer.span });
  const parameter: LayerValue = { callee: { kind: "op", name: "parameter" }, given, span: layer.span };
  const label = evaluateLabel(head.label, frame);
  if (label === "wrong") return undefined;
  const meaning = frame.context.walk.applyValue(parameter, label?.name, head.span, "stream", frame);
  if (meaning?.kind !== "tensor") return undefined;
  return { scale: 1, tensor: meaning.value, shown: { kind: "layer", text } };
}

/** The gained value after the chain. */
function applied(gained: Gained, value: Value | undefined, text: string, frame: Frame): Gain | undefined {
  const before = frame.stream;
  setStream(frame, value, gained.clause.span);
  const meaning = frame.context.walk.chain(gained.clause.gain, frame);
  frame.stream = before;
  if (meaning === undefined) return undefined;
  if (meaning.kind === "tensor") return { scale: 1, applied: meaning.value, shown: { kind: "layer", text } };
  frame.context.diagnostics.add(errors.gainOfWhat(gained.clause, meaning), frame.calls);
  return undefined;
}
