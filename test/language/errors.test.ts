import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

test("each code stands for one mistake, and those of a file are listed in order", () => {
  const files = ["layout", "tree", "statements"].map((name) => {
    const text = readFileSync(new URL(`../../src/language/errors/${name}.ts`, import.meta.url), "utf8");
    return Array.from(text.matchAll(/"([EW]\d{3})"/g), ([, code]) => code!);
  });
  const codes = files.flat();
  expect(new Set(codes).size).toBe(codes.length);
  for (const each of files) {
    const errors = each.filter((code) => code.startsWith("E"));
    expect(errors).toEqual(errors.toSorted());
  }
  expect(codes.length).toBeGreaterThan(50);
});
