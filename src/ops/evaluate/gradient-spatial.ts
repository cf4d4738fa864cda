import type { Dim } from "../../tensor/dim.ts";
import { sizeOf, type HostTensor } from "../../tensor/host.ts";
import { sizeOfDim } from "./index-walk.ts";
import { overWindow, type Window } from "./spatial.ts";

type Four = readonly [number, number, number, number];

interface Places {
  readonly stride: readonly number[];
  readonly padding: readonly number[];
}

/** Calls `visit` with the places of grad, x and weight of each multiply-add of a convolution, `outside` with those of padding. */
function overProducts(
  grad: readonly number[],
  x: readonly number[],
  weight: readonly number[],
  { stride, padding, groups }: Places & { readonly groups: number },
  visit: (gradAt: number, xAt: number, weightAt: number) => void,
  outside?: (gradAt: number, weightAt: number) => void,
): void {
  const [batch, outputs, rows, columns] = grad as Four;
  const [, channels, height, width] = x as Four;
  const [, inputs, r, s] = weight as Four;
  const window: Window = { kernel: [r, s], stride, padding };
  for (let gradAt = 0; gradAt < batch * outputs * rows * columns; gradAt++) {
    const [column, row] = [gradAt % columns, Math.floor(gradAt / columns) % rows];
    const plane = Math.floor(gradAt / (rows * columns));
    const [output, item] = [plane % outputs, Math.floor(plane / outputs)];
    const firstInput = Math.floor(output / (outputs / groups)) * inputs;
    for (let c = 0; c < inputs; c++) {
      const from = (item * channels + firstInput + c) * height;
      const kernelAt = (output * inputs + c) * r;
      const at = (kr: number, ks: number): number => (kernelAt + kr) * s + ks;
      overWindow(
        [height, width],
        row,
        column,
        window,
        (py, px, kr, ks) => {
          visit(gradAt, (from + py) * width + px, at(kr, ks));
        },
        (kr, ks) => {
          outside?.(gradAt, at(kr, ks));
        },
      );
    }
  }
}

export function evaluateConv2dXGrad(
  grad: HostTensor,
  weight: HostTensor,
  attrs: Places & { readonly groups: number; readonly height: Dim; readonly width: Dim },
): HostTensor {
  const channels = weight.shape[1]! * attrs.groups;
  const shape = [grad.shape[0]!, channels, sizeOfDim(attrs.height), sizeOfDim(attrs.width)];
  const data = new Float64Array(sizeOf(shape));
  overProducts(grad.shape, shape, weight.shape, attrs, (gradAt, xAt, weightAt) => {
    data[xAt]! += grad.data[gradAt]! * weight.data[weightAt]!;
  });
  return { dtype: grad.dtype, shape, data };
}

export function evaluateConv2dWeightGrad(
  grad: HostTensor,
  x: HostTensor,
  attrs: Places & { readonly groups: number; readonly kernel: readonly number[] },
): HostTensor {
  const shape = [grad.shape[1]!, x.shape[1]! / attrs.groups, ...attrs.kernel];
  const data = new Float64Array(sizeOf(shape));
  overProducts(
    grad.shape,
    x.shape,
    shape,
    attrs,
    (gradAt, xAt, weightAt) => {
      data[weightAt]! += grad.data[gradAt]! * x.data[xAt]!;
    },
    // Zeros around the picture, as PyTorch has them: NaN beside a gradient that is no finite number.
    (gradAt, weightAt) => {
      data[weightAt]! += grad.data[gradAt]! * 0;
    },
  );
  return { dtype: grad.dtype, shape, data };
}

export function evaluateMaxPool2dGrad(
  grad: HostTensor,
  x: HostTensor,
  attrs: Places & { readonly kernel: readonly number[] },
): HostTensor {
  const [, , rows, columns] = grad.shape as Four;
  const [, , height, width] = x.shape as Four;
  const window: Window = { ...attrs, kernel: [attrs.kernel[0]!, attrs.kernel[1]!] };
  const data = new Float64Array(x.data.length);
  for (let i = 0; i < grad.data.length; i++) {
    const [column, row] = [i % columns, Math.floor(i / columns) % rows];
    const plane = Math.floor(i / (rows * columns)) * height;
    let largestAt = -1;
    overWindow([height, width], row, column, window, (py, px) => {
      const at = (plane + py) * width + px;
      if (largestAt < 0 || x.data[at]! > x.data[largestAt]!) largestAt = at;
    });
    data[largestAt]! += grad.data[i]!;
  }
  return { ...x, data };
}
