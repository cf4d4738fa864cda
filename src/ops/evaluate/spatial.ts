import { sizeOf, type HostTensor } from "../../tensor/host.ts";

type Four = readonly [number, number, number, number];

export interface Window {
  readonly kernel: readonly [number, number];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
}

export function windowShape(
  height: number,
  width: number,
  { kernel, stride, padding }: Window,
): [number, number] {
  const along = (size: number, axis: 0 | 1): number =>
    Math.floor((size + 2 * padding[axis]! - kernel[axis]) / stride[axis]!) + 1;
  return [along(height, 0), along(width, 1)];
}

/** Calls `visit` for each place of the window at (row, column) that is inside the picture, `outside` for the others. */
export function overWindow(
  [height, width]: readonly [number, number],
  row: number,
  column: number,
  { kernel, stride, padding }: Window,
  visit: (y: number, x: number, r: number, s: number) => void,
  outside?: (r: number, s: number) => void,
): void {
  for (let r = 0; r < kernel[0]; r++)
    for (let s = 0; s < kernel[1]; s++) {
      const y = row * stride[0]! - padding[0]! + r;
      const x = column * stride[1]! - padding[1]! + s;
      if (y >= 0 && y < height && x >= 0 && x < width) visit(y, x, r, s);
      else outside?.(r, s);
    }
}

/** How the windows of a convolution lie. */
export interface Places {
  readonly stride: readonly number[];
  readonly padding: readonly number[];
}

/** Calls `visit` with the places of result, x and weight of each multiply-add of a convolution, `outside` with those of padding. */
export function overProducts(
  result: readonly number[],
  x: readonly number[],
  weight: readonly number[],
  { stride, padding, groups }: Places & { readonly groups: number },
  visit: (at: number, xAt: number, weightAt: number) => void,
  outside?: (at: number, weightAt: number) => void,
): void {
  const [batch, outputs, rows, columns] = result as Four;
  const [, channels, height, width] = x as Four;
  const [, inputs, r, s] = weight as Four;
  const window: Window = { kernel: [r, s], stride, padding };
  for (let at = 0; at < batch * outputs * rows * columns; at++) {
    const [column, row] = [at % columns, Math.floor(at / columns) % rows];
    const plane = Math.floor(at / (rows * columns));
    const [output, item] = [plane % outputs, Math.floor(plane / outputs)];
    const firstInput = Math.floor(output / (outputs / groups)) * inputs;
    for (let c = 0; c < inputs; c++) {
      const from = (item * channels + firstInput + c) * height;
      const kernelAt = (output * inputs + c) * r;
      const weightAt = (kr: number, ks: number): number => (kernelAt + kr) * s + ks;
      overWindow(
        [height, width],
        row,
        column,
        window,
        (py, px, kr, ks) => {
          visit(at, (from + py) * width + px, weightAt(kr, ks));
        },
        (kr, ks) => {
          outside?.(at, weightAt(kr, ks));
        },
      );
    }
  }
}

/** Cross-correlation as torch.nn.Conv2d has it, of a picture with zeros around it: beside a weight of NaN or ∞ they make NaN. */
export function evaluateConv2d(
  x: HostTensor,
  weight: HostTensor,
  bias: HostTensor | undefined,
  attrs: Places & { readonly groups: number },
): HostTensor {
  const [batch, , height, width] = x.shape as Four;
  const [outputs, , r, s] = weight.shape as Four;
  const [rows, columns] = windowShape(height, width, { ...attrs, kernel: [r, s] });
  const shape = [batch, outputs, rows, columns];
  const data = new Float64Array(sizeOf(shape));
  if (bias !== undefined)
    for (let at = 0; at < data.length; at++)
      data[at] = bias.data[Math.floor(at / (rows * columns)) % outputs]!;
  overProducts(
    shape,
    x.shape,
    weight.shape,
    attrs,
    (at, xAt, weightAt) => {
      data[at]! += x.data[xAt]! * weight.data[weightAt]!;
    },
    (at, weightAt) => {
      data[at]! += 0 * weight.data[weightAt]!;
    },
  );
  return { dtype: x.dtype, shape, data };
}

/** The largest element of each window. */
export function evaluateMaxPool2d(
  x: HostTensor,
  attrs: {
    readonly kernel: readonly number[];
    readonly stride: readonly number[];
    readonly padding: readonly number[];
  },
): HostTensor {
  const [batch, channels, height, width] = x.shape as Four;
  const window: Window = { ...attrs, kernel: [attrs.kernel[0]!, attrs.kernel[1]!] };
  const [rows, columns] = windowShape(height, width, window);
  const shape = [batch, channels, rows, columns];
  const data = new Float64Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) {
    const [column, row] = [i % columns, Math.floor(i / columns) % rows];
    const plane = Math.floor(i / (rows * columns)) * height;
    let largest = -Infinity;
    overWindow([height, width], row, column, window, (py, px) => {
      largest = Math.max(largest, x.data[(plane + py) * width + px]!);
    });
    data[i] = largest;
  }
  return { dtype: x.dtype, shape, data };
}
