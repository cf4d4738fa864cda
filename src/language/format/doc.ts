/**
 * Text with choices: where a line may end is said by the tree, where it does end by the width. After Wadler, "A
 * prettier printer", with Prettier's `fill` and line suffixes.
 */
export type Doc = string | Line | Nest | Group | Fill | Suffix | Choice | readonly Doc[];

/** A blank (`flat`) in a group that fits, else the end of a line. Hard ones end the line in any case. */
interface Line {
  readonly kind: "line";
  readonly flat: string;
  readonly hard: boolean;
}

interface Nest {
  readonly kind: "nest";
  readonly by: number;
  readonly doc: Doc;
}

/** All of its own lines end, or none does. */
interface Group {
  readonly kind: "group";
  readonly doc: Doc;
  readonly broken: boolean;
}

/** Contents and separators in turn: a separator ends the line only if the next content does not fit on it. */
interface Fill {
  readonly kind: "fill";
  readonly docs: readonly Doc[];
}

/** Goes to the end of the line, and takes no part in its width: a comment. */
interface Suffix {
  readonly kind: "suffix";
  readonly text: string;
}

/** One text in a group that breaks, another in one that does not. */
interface Choice {
  readonly kind: "choice";
  readonly broken: string;
  readonly flat: string;
}

export const line: Doc = { kind: "line", flat: " ", hard: false };
export const softLine: Doc = { kind: "line", flat: "", hard: false };
export const hardLine: Doc = { kind: "line", flat: "", hard: true };
export const nest = (by: number, doc: Doc): Doc => ({ kind: "nest", by, doc });
export const group = (doc: Doc): Doc => ({ kind: "group", doc, broken: mustBreak(doc) });
export const fill = (docs: readonly Doc[]): Doc => ({ kind: "fill", docs });
export const suffix = (text: string): Doc => ({ kind: "suffix", text });
/** Nothing that is seen, but the groups that it is in break. */
export const breaks: Doc = suffix("");
export const choice = (broken: string, flat: string): Doc => ({ kind: "choice", broken, flat });

/** The docs with `separator` between them. */
export const join = (separator: Doc, docs: readonly Doc[]): Doc[] =>
  docs.flatMap((doc, index) => (index === 0 ? [doc] : [separator, doc]));

const known = new WeakMap<readonly Doc[], boolean>();

/** Whether a line ends in it whatever the width. A comment ends one, as nothing can follow it. */
export function mustBreak(doc: Doc): boolean {
  if (typeof doc === "string") return false;
  if (isList(doc)) return remembered(doc);
  switch (doc.kind) {
    case "line":
      return doc.hard;
    case "suffix":
      return true;
    case "choice":
      return false;
    case "nest":
      return mustBreak(doc.doc);
    case "group":
      return doc.broken;
    case "fill":
      return remembered(doc.docs);
  }
}

/** Lists are asked again at every level above them; the answer is kept, so that this stays linear. */
function remembered(docs: readonly Doc[]): boolean {
  let answer = known.get(docs);
  if (answer === undefined) {
    answer = docs.some(mustBreak);
    known.set(docs, answer);
  }
  return answer;
}

export const isList = (doc: Doc): doc is readonly Doc[] => Array.isArray(doc);
