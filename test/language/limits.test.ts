import { describe, expect, test } from "vitest";
import { parse } from "../../src/language/parse.ts";
import { mistakesIn } from "./support.ts";

const KB = 1024;

/** `part` over and over, up to a length. */
const fillUp = (part: string, length: number): string => part.repeat(Math.floor(length / part.length));

const codesIn = (text: string): string[] => parse({ name: "m", text }).diagnostics.map(({ code }) => code);

describe("files of 256 KB", () => {
  test("parse, if they are that long for good", () => {
    const text = fillUp("model m { input x: f32[B, 4]; residual { a: linear(4) } }\n", 256 * KB);
    const { file, diagnostics } = parse({ name: "m", text });
    expect(diagnostics).toEqual([]);
    expect(file.definitions.length).toBe(Math.floor((256 * KB) / 58));
  });

  test("are the longest that are read", () => {
    expect(mistakesIn("\n".repeat(256 * KB + 1))).toMatchInlineSnapshot(`
      "m:1:1: error[E100]: this file has 257 KB; a file has 256 KB at most
        1 | 
          | ^
        help: put some of its definitions into another file, and \`use "./other.lmg"\`"
    `);
    expect(codesIn("\n".repeat(256 * KB))).toEqual([]);
  });

  // A layout that looks ahead from each of these anew is quadratic, and would take minutes.
  test.each([
    ["newlines", "\n", []],
    ["blank lines with blanks", " \n", []],
    ["parentheses", "(", ["E101"]],
    ["calls", "a(", ["E101"]],
    ["braces", "{", ["E101"]],
    ["quotes", '"', ["E109"]],
    ["comments", "// c\n", []],
    ["lines that go on", "x = \n", ["E109"]],
    ["odd characters", "é", ["E107"]],
    ["escaped quotes", '\\"', ["E107"]],
  ])("of %s are read in one go", (_name, part, codes) => {
    expect(codesIn(fillUp(part, 256 * KB))).toEqual(codes);
  });

  test.each([["}"], [")"], ["é\n"], ["model m {\n"]])("of %j end after 100 errors", (part) => {
    const codes = codesIn(fillUp(part, 256 * KB));
    expect(codes).toHaveLength(101);
    expect(codes).toContain("E108");
  });
});

describe("nesting", () => {
  const nested = (depth: number): string => `model m { x -> ${"f(".repeat(depth)}1${")".repeat(depth)} }`;

  test("may be 48 deep, the body of the model included", () => {
    expect(codesIn(nested(47))).toEqual([]);
    expect(mistakesIn(nested(48))).toMatchInlineSnapshot(`
      "m:1:111: error[E101]: brackets are nested more than 48 deep here
        1 | (f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(1)))))))))))))))))))))))))))))))))))))))))))))))) }
          |                                                                                 ^
        help: give names to inner parts, or make them blocks"
    `);
  });

  test("of bodies may be 48 deep", () => {
    const bodies = (depth: number): string => `model m {${"residual {".repeat(depth)}f${"}".repeat(depth)}}`;
    expect(codesIn(bodies(47))).toEqual([]);
    expect(codesIn(bodies(48))).toEqual(["E101"]);
  });

  test("of operators is bounded, so that whoever walks a tree may recurse", () => {
    expect(codesIn(`model m { y = x${" + x".repeat(256)} }`)).toEqual([]);
    expect(codesIn(`model m { y = x${" + x".repeat(257)} }`)).toEqual(["E121"]);
    expect(codesIn(`model m { y = ${"-".repeat(300)}x }`)).toEqual(["E121"]);
    expect(codesIn(`model m { let y = 1${" if a else 1".repeat(300)} }`)).toEqual(["E121"]);
    expect(codesIn(`model m { y = ${`(1${" + 1".repeat(60)} + `.repeat(5)}1${")".repeat(5)} }`)).toEqual([
      "E121",
    ]);
  });
});

test("a statement of 32 KB is the longest that is parsed", () => {
  const list = (length: number): string => `model m {\n  let a = [${fillUp("1, ", length)}1]\n}\n`;
  expect(codesIn(list(30 * KB))).toEqual([]);
  expect(mistakesIn(list(33 * KB)).split("\n")[0]).toMatchInlineSnapshot(
    `"m:2:3: error[E109]: this statement has 34 KB; a statement has 32 KB at most"`,
  );
});
