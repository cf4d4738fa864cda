import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

test("each code stands for one mistake, and they are listed in order", () => {
  const text = readFileSync(new URL("../../src/language/errors.ts", import.meta.url), "utf8");
  const codes = Array.from(text.matchAll(/"([EW]\d{3})"/g), ([, code]) => code!);
  const errors = codes.filter((code) => code.startsWith("E"));
  expect(new Set(codes).size).toBe(codes.length);
  expect(errors).toEqual(errors.toSorted());
  expect(codes.length).toBeGreaterThan(50);
});
