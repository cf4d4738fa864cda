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

/** Cross-correlation as torch.nn.Conv2d has it, of a picture with zeros around it: beside a weight of NaN or ∞ they make NaN. */
export function evaluateConv2d(
  x: HostTensor,
  weight: HostTensor,
  bias: HostTensor | undefined,
  attrs: { readonly stride: readonly number[]; readonly padding: readonly number[]; readonly groups: number },
): HostTensor {
  const [batch, channels, height, width] = x.shape as Four;
  const [outputs, inputs, r, s] = weight.shape as Four;
  const window: Window = { kernel: [r, s], stride: attrs.stride, padding: attrs.padding };
  const [rows, columns] = windowShape(height, width, window);
  const shape = [batch, outputs, rows, columns];
  const data = new Float64Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) {
    const [column, row] = [i % columns, Math.floor(i / columns) % rows];
    const plane = Math.floor(i / (rows * columns));
    const [output, item] = [plane % outputs, Math.floor(plane / outputs)];
    const firstInput = Math.floor(output / (outputs / attrs.groups)) * inputs;
    let sum = bias === undefined ? 0 : bias.data[output]!;
    for (let c = 0; c < inputs; c++) {
      const from = (item * channels + firstInput + c) * height;
      const kernelAt = (output * inputs + c) * r;
      const weightAt = (kr: number, ks: number): number => weight.data[(kernelAt + kr) * s + ks]!;
      overWindow(
        [height, width],
        row,
        column,
        window,
        (py, px, kr, ks) => {
          sum += x.data[(from + py) * width + px]! * weightAt(kr, ks);
        },
        (kr, ks) => {
          sum += 0 * weightAt(kr, ks);
        },
      );
    }
    data[i] = sum;
  }
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
