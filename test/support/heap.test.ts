import fc from "fast-check";
import { expect, test } from "vitest";
import { Heap } from "../../src/support/heap.ts";

test("a heap gives what was put in, the first one first, however puts and takes alternate", () => {
  const operations = fc.array(fc.option(fc.integer({ min: -9, max: 9 })), { maxLength: 200 });
  fc.assert(
    fc.property(operations, (items) => {
      const heap = new Heap<number>((a, b) => a < b);
      const model: number[] = [];
      for (const item of items) {
        if (item === null) {
          expect(heap.pop()).toBe(model.shift());
        } else {
          heap.push(item);
          model.push(item);
          model.sort((a, b) => a - b);
        }
      }
      expect(Array.from(model, () => heap.pop())).toEqual(model);
      expect(heap.pop()).toBeUndefined();
    }),
    { seed: 4 },
  );
});
