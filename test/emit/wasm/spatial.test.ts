import { describe, expect, test } from "vitest";
import { machines } from "../../../src/emit/wasm/machine.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { opCases } from "../../ops/cases/all.ts";
import { f32 } from "../../ops/tensors.ts";
import { expectAllNear, FLOAT32, graphOfCase } from "../op-graphs.ts";
import { expectProduct, givenOf, runOn } from "./products.ts";

interface Shape {
  readonly about: string;
  readonly batch: number | "B";
  readonly channels: number;
  readonly outputs: number;
  readonly size: readonly [number, number];
  readonly window: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly groups: number;
}

const list = (values: readonly (number | string)[]): string => `[${values.join(", ")}]`;

/** More rows than columns or fewer, one tile or several, padding beyond the window, leftovers that no window covers. */
const shapes: readonly Shape[] = [
  {
    about: "of one element",
    batch: 1,
    channels: 1,
    outputs: 1,
    size: [1, 1],
    window: [1, 1],
    stride: [1, 1],
    padding: [0, 0],
    groups: 1,
  },
  {
    about: "of pictures and padding",
    batch: "B",
    channels: 3,
    outputs: 5,
    size: [7, 9],
    window: [3, 3],
    stride: [1, 1],
    padding: [1, 1],
    groups: 1,
  },
  {
    about: "in two groups",
    batch: 2,
    channels: 4,
    outputs: 6,
    size: [8, 5],
    window: [3, 2],
    stride: [2, 1],
    padding: [0, 1],
    groups: 2,
  },
  {
    about: "of each channel, with padding beyond the window",
    batch: "B",
    channels: 6,
    outputs: 6,
    size: [6, 7],
    window: [2, 3],
    stride: [3, 2],
    padding: [2, 3],
    groups: 6,
  },
  {
    about: "of many tiles of rows",
    batch: 1,
    channels: 2,
    outputs: 140,
    size: [4, 20],
    window: [1, 5],
    stride: [1, 3],
    padding: [0, 0],
    groups: 1,
  },
  {
    about: "of rows longer than a block",
    batch: 1,
    channels: 1,
    outputs: 2,
    size: [3, 600],
    window: [2, 2],
    stride: [1, 1],
    padding: [0, 1],
    groups: 1,
  },
];

function sizesOf({ channels, outputs, size, window, stride, padding, groups }: Shape) {
  const out = [0, 1].map(
    (axis) => Math.floor((size[axis]! + 2 * padding[axis]! - window[axis]!) / stride[axis]!) + 1,
  );
  return { out, weight: [outputs, channels / groups, ...window] };
}

describe.each(Object.entries(machines))("on a %s machine", (_, machine) => {
  test.each(shapes)("a convolution $about, and its gradients", (shape) => {
    const { batch, channels, outputs, size, window, stride, padding, groups } = shape;
    const { out, weight } = sizesOf(shape);
    const attrs = `stride: ${list(stride)}, padding: ${list(padding)}, groups: ${groups}`;
    const dims = batch === "B" ? "dim B" : "";
    const [x, y] = [list([batch, channels, ...size]), list([batch, outputs, ...out])];
    const B = 3;
    const taps = window[0] * window[1];
    const conv2d = givenOf(
      `${dims}
      input %x: f32${x}
      input %w: f32${list(weight)}
      input %b: f32[${outputs}]
      %y: f32${y} = conv2d(x: %x, weight: %w, bias: %b, ${attrs})
      output y = %y`,
      { B },
    );
    expectProduct(machine, conv2d, (channels / groups) * taps + 1);
    const ofX = givenOf(
      `${dims}
      input %g: f32${y}
      input %w: f32${list(weight)}
      %y: f32${x} = conv2d_x_grad(grad: %g, weight: %w, ${attrs}, height: ${size[0]}, width: ${size[1]})
      output y = %y`,
      { B },
    );
    expectProduct(machine, ofX, (outputs / groups) * taps);
    const ofWeight = givenOf(
      `${dims}
      input %g: f32${y}
      input %x: f32${x}
      %y: f32${list(weight)} = conv2d_weight_grad(grad: %g, x: %x, ${attrs}, kernel: ${list(window)})
      output y = %y`,
      { B },
    );
    expectProduct(machine, ofWeight, 3 * out[0]! * out[1]!);
  });

  test("a pool and its gradient, with equal elements, infinities and NaN", () => {
    const values = Array.from(
      { length: 4 * 7 * 6 },
      (_, i) => [(i * 7) % 5, -Infinity, NaN, i % 3][i % 11 === 0 ? 1 + (i % 2) : 0]!,
    );
    for (const attrs of [
      "kernel: [2, 2], stride: [2, 2]",
      "kernel: [3, 2], stride: [1, 2], padding: [1, 1]",
    ]) {
      const out = attrs.includes("padding") ? [7, 4] : [3, 3];
      const given = givenOf(
        `dim B
        input %x: f32[B, 2, 7, 6]
        input %g: f32[B, 2, ${out.join(", ")}]
        %y: f32[B, 2, ${out.join(", ")}] = max_pool2d(%x, ${attrs})
        %z: f32[B, 2, 7, 6] = max_pool2d_grad(grad: %g, x: %x, ${attrs})
        output y = %y
        output z = %z`,
        { B: 2 },
      );
      const inputs = { ...given.inputs, x: f32([2, 2, 7, 6], values) };
      const found = runOn(machine, { ...given, inputs });
      const wanted = interpret(given.graph, { inputs, parameters: {} });
      expect(Array.from(found["y"]!.data)).toEqual(Array.from(wanted["y"]!.data, Number));
      expectAllNear(found["z"]!.data, Array.from(wanted["z"]!.data, Number), FLOAT32);
    }
  });

  const ops = ["conv2d", "conv2d_x_grad", "conv2d_weight_grad", "max_pool2d", "max_pool2d_grad"] as const;
  describe.each(ops)("what %s is", (op) => {
    test.each(opCases[op].map((each) => [each.about, each] as const))("%s", (_, each) => {
      const { graph, tensors } = graphOfCase(op, each.operands, each.attrs ?? {});
      const results = runOn(machine, { graph, inputs: tensors, parameters: {}, sizes: {} });
      each.expected.forEach((expected, index) => {
        const tolerance = Math.max(each.tolerance ?? 0, FLOAT32);
        expectAllNear(results[`y${index}`]!.data, Array.from(expected.data, Number), tolerance);
      });
    });
  });
});
