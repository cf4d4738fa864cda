/* Texts with places where lines may break, laid out by groups: all on one line where that fits, else broken at their own places. */

interface Line {
  readonly kind: "line";
  /** What it is where the line is not broken. */
  readonly flat: "" | " ";
}

interface Group {
  readonly kind: "group";
  readonly inner: Doc;
  /** Broken whether it fits or not. */
  readonly broken: boolean;
}

export type Doc =
  | string
  | readonly Doc[]
  | Line
  | Group
  | { readonly kind: "indent"; readonly inner: Doc }
  /** What stands there if the group around it is broken. */
  | { readonly kind: "if broken"; readonly inner: string };

export const softline: Doc = { kind: "line", flat: "" };
export const line: Doc = { kind: "line", flat: " " };
export const indent = (inner: Doc): Doc => ({ kind: "indent", inner });
export const ifBroken = (inner: string): Doc => ({ kind: "if broken", inner });

/** A group around one that is broken is broken too. */
export const group = (inner: Doc, broken = false): Doc => ({
  kind: "group",
  inner,
  broken: broken || holdsBroken(inner),
});

function holdsBroken(doc: Doc): boolean {
  if (typeof doc === "string") return false;
  if ("kind" in doc)
    return doc.kind === "group" ? doc.broken : doc.kind === "indent" && holdsBroken(doc.inner);
  return doc.some(holdsBroken);
}

export function join(separator: Doc, docs: readonly Doc[]): Doc {
  return docs.flatMap((doc, at) => (at === 0 ? [doc] : [separator, doc]));
}

/** Whether a document can stand on one line. */
export const isFlat = (doc: Doc): boolean => !holdsBroken(doc);

/** All on one line. */
export function flatText(doc: Doc): string {
  if (typeof doc === "string") return doc;
  if (!("kind" in doc)) return doc.map(flatText).join("");
  if (doc.kind === "line") return doc.flat;
  return doc.kind === "if broken" ? "" : flatText(doc.inner);
}

interface Frame {
  readonly doc: Doc;
  readonly margin: number;
  readonly broken: boolean;
}

const STEP = 4;

/** The lines of a document that begins at a column of a line with that margin; what stands before it is not among them. */
export function layOut(doc: Doc, column: number, margin: number, width: number): readonly string[] {
  const lines = [""];
  let at = column;
  const stack: Frame[] = [{ doc, margin, broken: true }];
  const say = (text: string): void => {
    lines.push(lines.pop()! + text);
    at += text.length;
  };
  for (let frame = stack.pop(); frame !== undefined; frame = stack.pop()) {
    const { doc: each, broken } = frame;
    if (typeof each === "string") say(each);
    else if (!("kind" in each)) pushAll(stack, each, frame);
    else if (each.kind === "if broken") say(broken ? each.inner : "");
    else if (each.kind === "indent") stack.push({ ...frame, doc: each.inner, margin: frame.margin + STEP });
    else if (each.kind === "group") {
      const fits = !each.broken && fitsFlat(each.inner, stack, width - at);
      stack.push({ ...frame, doc: each.inner, broken: !fits });
    } else if (!broken) say(each.flat);
    else {
      lines.push(" ".repeat(frame.margin));
      at = frame.margin;
    }
  }
  return lines;
}

function pushAll(stack: Frame[], docs: readonly Doc[], frame: Frame): void {
  for (const doc of docs.toReversed()) stack.push({ ...frame, doc });
}

/** Whether it fits on the line, with what follows it up to where the line may break next. */
function fitsFlat(doc: Doc, after: readonly Frame[], room: number): boolean {
  let left = room;
  const stack: Frame[] = [{ doc, margin: 0, broken: false }];
  let rest = after.length;
  for (;;) {
    const frame = stack.pop() ?? after[--rest];
    if (frame === undefined) return true;
    const { doc: each, broken } = frame;
    if (typeof each === "string") left -= each.length;
    else if (!("kind" in each)) pushAll(stack, each, frame);
    else if (each.kind === "if broken") left -= broken ? each.inner.length : 0;
    else if (each.kind === "indent") stack.push({ ...frame, doc: each.inner });
    else if (each.kind === "group") stack.push({ ...frame, doc: each.inner });
    else if (broken) return true;
    else left -= each.flat.length;
    if (left < 0) return false;
  }
}
