import { expect, test } from "vitest";
import { append, largest, smallest } from "../../src/support/lists.ts";

const many = Array.from({ length: 300_000 }, (_, index) => index);

test("the largest and the smallest of more numbers than a call takes", () => {
  expect(() => Math.max(...many)).toThrow(RangeError);
  expect(largest(many)).toBe(299_999);
  expect(smallest(many)).toBe(0);
  expect([largest([], 0), smallest([], 7), largest([]), largest([1, NaN])]).toEqual([0, 7, -Infinity, NaN]);
});

test("more items are appended than a call takes", () => {
  const list = [-1];
  append(list, many);
  expect([list.length, list[0], list.at(-1)]).toEqual([300_001, -1, 299_999]);
});
