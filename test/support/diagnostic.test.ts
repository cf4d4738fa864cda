import { describe, expect, test } from "vitest";
import { errorAt, showDiagnostic, sortDiagnostics, warningAt } from "../../src/support/diagnostic.ts";
import { positionAt, type Source, type Span } from "../../src/support/source.ts";
import { layoutCode, listWords, nearest } from "../../src/support/text.ts";

const source: Source = { name: "m.lmg", text: "model m {\r\n\tinput x: f32[B, 4]\n}\n" };
const spanOf = (text: string): Span => {
  const start = source.text.indexOf(text);
  return { source, start, end: start + text.length };
};

describe("a diagnostic shows", () => {
  test("its place, its code, the line with carets, and a way forward", () => {
    const diagnostic = errorAt("E999", spanOf("f32"), "`f32` is wrong here", {
      label: "expected i32",
      help: "write i32",
      more: [{ span: spanOf("model"), text: "in this model" }],
    });
    expect(showDiagnostic(diagnostic)).toBe(
      [
        "m.lmg:2:11: error[E999]: `f32` is wrong here",
        "  2 |  input x: f32[B, 4]",
        "    |           ^^^ expected i32",
        "  1 | model m {",
        "    | ^^^^^ in this model",
        "  help: write i32",
      ].join("\n"),
    );
  });

  test("characters that a terminal would obey as escapes, with the carets under what they blame", () => {
    const hostile: Source = { name: "a\x1b[2Jb", text: 'let \x1b[31ma = "\u202eabc\u2066"\n' };
    const start = hostile.text.indexOf('"');
    const span = { source: hostile, start, end: start + 7 };
    const text = showDiagnostic(
      errorAt("E1", span, "odd \u2028 here\nm.lmg:1:1: error[E2]: forged", { label: "\x07", help: "\x9b" }),
    );
    expect(text).toBe(
      [
        "a\\u001b[2Jb:1:14: error[E1]: odd \\u2028 here",
        "  m.lmg:1:1: error[E2]: forged",
        '  1 | let \\u001b[31ma = "\\u202eabc\\u2066"',
        `    |${" ".repeat(19)}${"^".repeat(17)} \\u0007`,
        "  help: \\u009b",
      ].join("\n"),
    );
  });

  test("no more of a long message than can be read", () => {
    const text = showDiagnostic(errorAt("E1", spanOf("f32"), "x".repeat(100_000)));
    expect(text.length).toBeLessThan(2500);
    expect(text).toContain("x … x");
  });

  test("line numbers of any width in one gutter", () => {
    const tall: Source = { name: "tall", text: `one\n${"\n".repeat(10)}twelve` };
    const late = { source: tall, start: tall.text.length - 6, end: tall.text.length };
    const more = [{ span: { source: tall, start: 0, end: 3 }, text: "here" }];
    expect(showDiagnostic(errorAt("E1", late, "odd", { more }))).toBe(
      ["tall:12:1: error[E1]: odd", "  12 | twelve", "     | ^^^^^^", "   1 | one", "     | ^^^ here"].join(
        "\n",
      ),
    );
  });

  test("a part of a line that is too long, around the caret", () => {
    const long: Source = { name: "long", text: `${"a".repeat(500)}!${"b".repeat(500)}` };
    const shown = showDiagnostic(errorAt("E1", { source: long, start: 500, end: 501 }, "odd"));
    expect(shown.split("\n")[1]).toBe(`  1 | ${"a".repeat(80)}!${"b".repeat(79)}`);
    expect(shown.split("\n")[2]).toBe(`    | ${" ".repeat(80)}^`);
  });

  test("a place past the end of the text", () => {
    const end = source.text.length;
    expect(showDiagnostic(errorAt("E1", { source, start: end, end }, "unfinished"))).toBe(
      "m.lmg:4:1: error[E1]: unfinished\n  4 | \n    | ^",
    );
  });
});

test("diagnostics come in the order of the text, each once", () => {
  const late = errorAt("E2", spanOf("f32"), "late");
  const early = warningAt("W1", spanOf("model"), "early");
  expect(sortDiagnostics([late, early, late])).toEqual([early, late]);
});

test("positions are lines and columns from 1", () => {
  expect(positionAt(source, 0)).toEqual({ line: 1, column: 1 });
  expect(positionAt(source, source.text.indexOf("}"))).toEqual({ line: 3, column: 1 });
});

test("the nearest word is one that a typing mistake away could be", () => {
  expect(nearest("lienar", ["linear", "relu"])).toBe("linear");
  expect(nearest("reul", ["linear", "relu"])).toBe("relu");
  expect(nearest("softmax", ["linear", "relu"])).toBeUndefined();
  expect(nearest("relu", ["relu"])).toBeUndefined();
});

test("words are listed as in a sentence", () => {
  expect(listWords(["a"])).toBe("a");
  expect(listWords(["a", "b", "c"], "or")).toBe("a, b or c");
});

test("nested code is indented by its structure", () => {
  expect(layoutCode(["for {", ["a;", ["b;"]], "}"])).toBe("for {\n  a;\n    b;\n}\n");
});
