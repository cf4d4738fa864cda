import { expect, test } from "vitest";
import { toStored } from "../../src/checkpoint/stored.ts";
import { quantizeMatrix } from "../../src/quantize/blocks.ts";
import { int4Form, int8Form } from "../../src/quantize/forms.ts";
import { relativeError } from "../../src/run/compare/weights.ts";
import { elementsAsRun } from "../../src/run/packed-weights.ts";
import { dequantized } from "../../src/tensor/quantized.ts";
import { madeBits } from "../../src/weights/packed.ts";

const [inputs, outputs] = [64, 3];
/** Of every size in every row and column, so that an element in another's place shows. */
const elements = Float64Array.from({ length: inputs * outputs }, (_, at) =>
  Math.fround(Math.sin(at) * (1 + at)),
);
const stored = toStored({ dtype: "f32", shape: [inputs, outputs], data: elements });
const tensor = { dtype: stored.dtype, shape: stored.shape, read: () => stored };

test.each([int8Form, int4Form])(
  "a matrix that lies [in, out] has its elements in its own order, as its columns' $bits-bit codes have them",
  (form) => {
    const columns = Float32Array.from(
      { length: elements.length },
      (_, at) => elements[(at % inputs) * outputs + Math.floor(at / inputs)]!,
    );
    const codes = dequantized(quantizeMatrix({ shape: [outputs, inputs], data: columns }, madeBits(form)));
    const expected = [...elements].map((_, at) => codes[(at % outputs) * inputs + Math.floor(at / outputs)]);
    const found = elementsAsRun(tensor, { form, isTransposed: true });
    expect([...found]).toEqual(expected);
    // In another order they would be no nearer to the original than numbers of another matrix: 1.4.
    expect(relativeError(found, Float32Array.from(elements))).toBeLessThan(form.bits === 8 ? 0.01 : 0.12);
  },
);

test("a tensor that is not packed is as it is stored", () => {
  expect([...elementsAsRun(tensor, undefined)]).toEqual([...elements]);
});

test.each([
  ["nothing", [1, 2], [1, 2], 0],
  ["a twentieth", [3, 4.25], [3, 4], 0.05],
  ["zeros that stay", [0, 0], [0, 0], 0],
  ["zeros that became something", [0, 1], [0, 0], Infinity],
  ["NaN", [1, NaN], [1, 2], Infinity],
])("the error of %s", (_, found, expected, error) => {
  expect(relativeError(Float32Array.from(found), Float32Array.from(expected))).toBe(error);
});
