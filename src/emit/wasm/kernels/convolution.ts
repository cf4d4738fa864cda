import { onlyView } from "../../../kernels/results.ts";
import { invariant } from "../../../support/invariant.ts";
import { addDims, dim, divideDims, subtractDims, type Dim } from "../../../tensor/dim.ts";
import type { I32 } from "../assembler/code.ts";
import { i32 } from "../assembler/numbers.ts";
import type { WasmKernel } from "../kernel.ts";
import { correlate } from "../products/convolve.ts";
import type { Pair, Placing } from "../products/planes.ts";
import { addOddWeights, turnWeight } from "./convolution-odd-weights.ts";

type Four = readonly [Dim, Dim, Dim, Dim];

/** How many of the channels one group has. */
export function perGroup(channels: Dim, groups: number): Dim {
  const each = divideDims(channels, dim(groups));
  invariant(each !== undefined, "channels do not split into groups");
  return each;
}

/** Pictures with zeros around them. */
export function padded(planes: Dim, size: Pair<Dim>, padding: readonly number[]): Placing {
  const [down, right] = padding as Pair<number>;
  return {
    planes,
    size,
    room: [addDims(size[0], dim(2 * down)), addDims(size[1], dim(2 * right))],
    first: [i32.const(down), i32.const(right)],
    apart: [1, 1],
  };
}

export const conv2d: WasmKernel<"conv2d"> = ({ operands: { x, weight, bias }, attrs, results }, k) => {
  const [, , ...picture] = x.type.shape as Four;
  const [, inputs, ...window] = weight.type.shape as Four;
  const phase = k.phase();
  correlate(k, phase, {
    from: x,
    placing: padded(inputs, picture, attrs.padding),
    groups: attrs.groups,
    window,
    stride: attrs.stride as Pair<number>,
    weight: k.address(weight)(phase),
    bias: bias && k.address(bias)(phase),
    out: onlyView(results),
  });
  return k.finish("conv2d", "Cross-correlation with zeros around the picture.");
};

/**
 * An element of x was read by the windows that lay over it: a correlation of the gradient, its elements as far apart as those
 * windows, with the weight turned by half a circle.
 */
export const conv2d_x_grad: WasmKernel<"conv2d_x_grad"> = (
  { operands: { grad, weight }, attrs, results },
  k,
) => {
  const out = onlyView(results);
  const [, outputs, ...size] = grad.type.shape as Four;
  const [, , ...window] = weight.type.shape as Four;
  const [, , height, width] = out.type.shape as Four;
  const outputsPer = perGroup(outputs, attrs.groups);
  const turned = turnWeight(k, weight, attrs.groups, outputsPer);
  const phase = k.phase();
  const [down, right] = attrs.padding as Pair<number>;
  const first = (axis: Dim, padding: number): I32 => i32.sub(k.size(axis)(phase), i32.const(1 + padding));
  const room = (axis: Dim, reach: Dim): Dim => subtractDims(addDims(axis, reach), dim(1));
  correlate(k, phase, {
    from: grad,
    placing: {
      planes: outputsPer,
      size,
      room: [room(height, window[0]), room(width, window[1])],
      first: [first(window[0], down), first(window[1], right)],
      apart: attrs.stride as Pair<number>,
    },
    groups: attrs.groups,
    window,
    stride: [1, 1],
    weight: turned.at(phase),
    bias: undefined,
    out,
  });
  addOddWeights(k, turned, { grad, weight, out, attrs: { ...attrs, outputsPer } });
  return k.finish("conv2d_x_grad", "The gradient of a convolution's picture.");
};
