import type { LabelName } from "../../language/ast/expressions.ts";
import { notALabel } from "../errors/labels.ts";
import type { Frame } from "../frame/context.ts";

/** Parts with dots between them, or nothing: what owns something under the label around it adds no name of its own. */
const form = /^(?:\w+(?:\.\w+)*)?$/;

/** The label that is written before a layer, its holes filled in; undefined if there is none, "wrong" once it is reported. */
export function evaluateLabel(
  label: LabelName | undefined,
  frame: Frame,
): { readonly name: string } | undefined | "wrong" {
  if (label === undefined) return undefined;
  if (!("parts" in label)) return { name: label.text };
  const meaning = frame.context.walk.evaluate(label, frame);
  if (meaning?.kind !== "text") return "wrong";
  if (form.test(meaning.value)) return { name: meaning.value };
  frame.context.diagnostics.add(notALabel(label.span, meaning.value), frame.calls);
  return "wrong";
}
