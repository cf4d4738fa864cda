import { describe, expect, test } from "vitest";
import { completeDims } from "../../src/run/sizes.ts";
import { parseDims, parseNumber, parseSettings, parseTokens } from "../../src/cli/arguments.ts";
import { expectValue, messageOf } from "../checkpoint/fixtures.ts";

describe("--set", () => {
  test("splits at the first equals sign and trims", () => {
    expect(parseSettings(["a=1", "b = x=y", "c="])).toStrictEqual({ a: "1", b: "x=y", c: "" });
  });
  test.each([
    [["depth"], "E801 --set expects name=value, found `depth` | for example --set depth=2"],
    [["=3"], "E801 --set expects name=value, found `=3` | for example --set depth=2"],
    [["a=1", "a=2"], "E801 --set gives `a` twice"],
  ])("refuses %j", (settings, message) => {
    expect(messageOf(parseSettings(settings))).toBe(message);
  });
});

describe("--dims", () => {
  test("gives sizes by name", () => {
    expect([...expectValue(parseDims("B=2, T = 128"))]).toStrictEqual([
      ["B", 2],
      ["T", 128],
    ]);
  });
  test.each([
    ["B=0", "E802 --dims expects sizes such as B=1,T=128, found `B=0`"],
    ["b=1", "E802 --dims expects sizes such as B=1,T=128, found `b=1`"],
    ["B=1,", "E802 --dims expects sizes such as B=1,T=128, found ``"],
    ["B=99999999999", "E802 --dims expects sizes such as B=1,T=128, found `B=99999999999`"],
  ])("refuses %s", (text, message) => {
    expect(messageOf(parseDims(text))).toBe(message);
  });
  test("are 1 where they are not given, and 128 or the bound for T", () => {
    const symbols = [{ name: "B" }, { name: "T", max: 64 }, { name: "S" }];
    expect(Object.fromEntries(expectValue(completeDims(symbols, new Map([["S", 5]]))))).toStrictEqual({
      B: 1,
      T: 64,
      S: 5,
    });
  });
  test.each([
    ["T", 65, "E802 T is at most 64 in this model, found T=65"],
    ["TT", 3, "E802 the model has no run-time dim `TT`; it has B, T | did you mean T?"],
  ])("refuse %s=%d", (name, size, message) => {
    const symbols = [{ name: "B" }, { name: "T", max: 64 }];
    expect(messageOf(completeDims(symbols, new Map([[name, size]])))).toBe(message);
  });
});

describe("--tokens", () => {
  test("are one row or several of one length", () => {
    expect(parseTokens("1, 2,3")).toStrictEqual([[1, 2, 3]]);
    expect(parseTokens("1,2;3,4")).toStrictEqual([
      [1, 2],
      [3, 4],
    ]);
  });
  test.each([
    ["", "E803 --tokens expects ids such as 1,2,3, found ``"],
    ["1,x", "E803 --tokens expects ids such as 1,2,3, found `x`"],
    ["1,-2", "E803 --tokens expects ids such as 1,2,3, found `-2`"],
    ["1,,2", "E803 --tokens expects ids such as 1,2,3, found `1,,2`"],
    ["1,2;3", "E803 --tokens expects rows of equal length, found 2 and 1"],
  ])("refuses %j", (text, message) => {
    expect(messageOf(parseTokens(text))).toBe(message);
  });
});

test.each([
  ["2.5", true, "E804 --top expects a whole number from 0 to 10, found `2.5`"],
  ["", false, "E804 --top expects a number from 0 to 10, found ``"],
  ["11", false, "E804 --top expects a number from 0 to 10, found `11`"],
  ["NaN", false, "E804 --top expects a number from 0 to 10, found `NaN`"],
])("the number %j is refused", (text, whole, message) => {
  expect(messageOf(parseNumber("--top", text, 0, 10, whole))).toBe(message);
});

test("a number in its range is taken", () => {
  expect(parseNumber("--temperature", " 0.8 ", 0, 2)).toBe(0.8);
});
