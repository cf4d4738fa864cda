import { expect, test } from "vitest";
import { Recent } from "../../src/support/recent.ts";

test("what is asked for again stays, and the rest is let go", () => {
  const recent = new Recent<number>(4);
  for (const [at, text] of ["aa", "bb", "cc"].entries()) recent.set(text, at);
  expect(recent.get("aa")).toBe(0);
  recent.set("dd", 3);
  recent.set("ee", 4);
  expect(["aa", "bb", "cc", "dd", "ee"].map((text) => recent.get(text))).toEqual([
    0,
    undefined,
    undefined,
    3,
    4,
  ]);
});

test("what alone has no room is not kept", () => {
  const recent = new Recent<number>(4);
  recent.set("aaaaa", 1);
  recent.set("bb", 2);
  expect([recent.get("aaaaa"), recent.get("bb")]).toEqual([undefined, 2]);
});

test("all of them are let go at once, and there is room again", () => {
  const recent = new Recent<number>(4);
  for (const [value, text] of ["ab", "cd", "ef"].entries()) recent.set(text, value);
  recent.clear();
  expect(["ab", "cd", "ef"].map((text) => recent.get(text))).toEqual([undefined, undefined, undefined]);
  recent.set("gh", 3);
  expect(recent.get("gh")).toBe(3);
});
