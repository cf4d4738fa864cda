import type { Dim } from "../../tensor/dim.ts";
import { sizeOf, type HostTensor } from "../../tensor/host.ts";
import { sizeOfDim } from "./index-walk.ts";
import { overProducts, overWindow, type Places, type Window } from "./spatial.ts";

type Four = readonly [number, number, number, number];

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
