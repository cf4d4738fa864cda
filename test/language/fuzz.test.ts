import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isError } from "../../src/support/diagnostic.ts";
import { format } from "../../src/language/format.ts";
import { parse } from "../../src/language/parse.ts";
import { spanText } from "../../src/support/source.ts";
import { program } from "./generate.ts";
import { meaning, mistakesIn, programs } from "./support.ts";

/** The same inputs in each run, so that a failure can be looked into. */
const options = { seed: 20_240_229, numRuns: 150 };

/** Whatever the text is: no exception, every mistake in the file, and a text with mistakes is left alone. */
function holdsFor(text: string): void {
  const { file, diagnostics } = parse({ name: "m", text });
  for (const { span } of diagnostics.flatMap((diagnostic) => diagnostic.labels)) {
    expect(span.start).toBeGreaterThanOrEqual(0);
    expect(span.end).toBeLessThanOrEqual(text.length);
    expect(span.start).toBeLessThanOrEqual(span.end);
  }
  expect(diagnostics.every(({ message, labels }) => message !== "" && labels.length > 0)).toBe(true);
  const formatted = format({ name: "m", text }).text;
  if (diagnostics.some(isError)) expect(formatted).toBe(text);
  else keepsMeaning(text, formatted, meaning(file));
}

function keepsMeaning(text: string, formatted: string, before: string): void {
  const after = parse({ name: "m", text: formatted }).file;
  expect(meaning(after)).toBe(before);
  expect(after.comments.map((comment) => spanText(comment.span))).toEqual(
    parse({ name: "m", text }).file.comments.map((comment) => spanText(comment.span).trimEnd()),
  );
  expect(format({ name: "m", text: formatted }).text).toBe(formatted);
}

const word = fc.constantFrom(
  ...[
    "model",
    "block",
    "use",
    "input",
    "output",
    "let",
    "assert",
    "default",
    "if",
    "else",
    "repeat",
    "parallel",
  ],
  ...[
    "residual",
    "train",
    "config",
    "target",
    "loss",
    "as",
    "from",
    "skip",
    "branch",
    "pre",
    "shared",
    "checkpoint",
    "allow",
    "init",
    "not",
    "and",
  ],
  ...[
    "x",
    "m",
    "T",
    "f32",
    "0",
    "1.5",
    "1e9",
    '"a {b}"',
    '"',
    "//",
    "->",
    "=>",
    "- >",
    "..",
    "<=",
    "==",
    "=",
    "+",
  ],
  ...[
    "-",
    "*",
    "^",
    ",",
    ";",
    ":",
    ".",
    "|",
    "!",
    "#",
    "é",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\n",
    "\n\n",
    "\r\n",
  ],
);

describe("the parser and the formatter hold", () => {
  test("for random characters", () => {
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 300 }), holdsFor), options);
    fc.assert(fc.property(fc.string({ unit: "grapheme-ascii", maxLength: 300 }), holdsFor), options);
  });

  test("for random words of the language", () => {
    const soup = fc.array(word, { maxLength: 60 }).map((words) => words.join(" "));
    fc.assert(fc.property(soup, holdsFor), options);
    fc.assert(
      fc.property(soup, (text) => holdsFor(`model m {\n${text}\n}\n`)),
      options,
    );
  });

  test("for the test programs with something cut out, put in or doubled", () => {
    const texts = programs.map(([, text]) => text.slice(0, 1200));
    const change = fc.record({
      at: fc.nat(1200),
      length: fc.nat(30),
      insert: fc.oneof(word, fc.constant("")),
    });
    const changed = fc.tuple(fc.constantFrom(...texts), fc.array(change, { minLength: 1, maxLength: 4 }));
    fc.assert(
      fc.property(changed, ([text, changes]) => {
        const apply = (before: string, { at, length, insert }: (typeof changes)[number]): string =>
          before.slice(0, at) + insert + before.slice(at + length);
        holdsFor(changes.reduce(apply, text));
      }),
      options,
    );
  });

  test("for random programs, all of which parse", () => {
    fc.assert(
      fc.property(program, (text) => {
        expect(mistakesIn(text)).toBe("");
        holdsFor(text);
      }),
      options,
    );
  });
});
