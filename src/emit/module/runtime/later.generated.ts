// Written by scripts/embed.ts from src/weights.
import type { Piece } from "../piece.ts";

/** src/weights/soon.ts, src/weights/ranges.ts, as lines of an emitted module. */
export const laterRuntime: Piece = {
  declares: ["Soon", "ReadElements", "andThen", "PartRange", "partRanges"],
  code: [
    "«type Soon<T> = T | Promise<T>;»",
    "",
    '«type ReadElements = (kind: "f32" | "i32", first: number, end: number) => Soon<Elements>;»',
    "",
    "const andThen = «<A, B>»(value«: Soon<A>», make«: (value: A) => Soon<B>»)«: Soon<B>» =>",
    "  value instanceof Promise ? value.then(make) : make(value);",
    "",
    "«interface PartRange {»",
    "«  readonly part: number;»",
    "«  readonly first: number;»",
    "«  readonly end: number;»",
    "«}»",
    "",
    "function partRanges(size«: number», first«: number», end«: number»)«: PartRange[]» {",
    "  const ranges«: PartRange[]» = [];",
    "  for (let at = first; at < end;) {",
    "    const part = Math.floor(at / size);",
    "    const last = Math.min(end, (part + 1) * size);",
    "    ranges.push({ part, first: at - part * size, end: last - part * size });",
    "    at = last;",
    "  }",
    "  return ranges;",
    "}",
  ],
};
