import { spanText, type Span } from "../support/source.ts";

/** A call as a picture writes it. */
export interface Call {
  readonly span: Span | undefined;
  /** What is called: `attention`; an expression as a whole. */
  readonly name: string;
  /** Its arguments as written, with their brackets: `(heads)`; empty if there are none. */
  readonly args: string;
  /** What it is called in the model: `attn`; empty if it has no label. */
  readonly label: string;
}

/** `attn: attention(heads)`, in its parts. */
export function readCall(span: Span): Call {
  const text = spanText(span)
    .replaceAll(/\/\/[^\n]*/g, "")
    .replaceAll(/\s+/g, " ")
    .replaceAll(/\( | \)|,? \)/g, (found) => found.trim().replace(",", ""))
    .trim();
  const [, quoted, plain, call = text] = /^(?:"((?:[^"\\]|\\.)*)"|([A-Za-z_][\w.]*)): (.*)$/.exec(text) ?? [];
  const label = quoted ?? plain ?? "";
  const [, name = call, args = ""] = /^([A-Za-z_]\w*)(\(.*\))$/.exec(call) ?? [];
  return { span, label, name, args };
}

/** The outermost of these calls that is not to be shown opened, by its label or its name. */
export function shownCall(calls: readonly Span[], opened: ReadonlySet<string>): Call {
  const read = calls.map(readCall);
  const shut = read.find(({ label, name }) => !opened.has(label) && !opened.has(name));
  return shut ?? read.at(-1) ?? { span: undefined, label: "", name: "", args: "" };
}
