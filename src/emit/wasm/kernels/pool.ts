import { onlyView } from "../../../kernels/results.ts";
import type { View } from "../../../kernels/view.ts";
import { multiplyDims, type Dim } from "../../../tensor/dim.ts";
import type { I32, Statement } from "../assembler/code.ts";
import { lesser, select, when } from "../assembler/control.ts";
import type { Local } from "../assembler/function.ts";
import { f32, i32 } from "../assembler/numbers.ts";
import type { KernelWriter, Phase, WasmKernel } from "../kernel.ts";

export const max_pool2d: WasmKernel<"max_pool2d"> = ({ operands: { x }, attrs, results }, k) => {
  const phase = k.phase();
  const windows = new Windows(k, phase, attrs, x, onlyView(results));
  const largest = phase.local("f32");
  phase.push(
    windows.eachPlane(() => [
      windows.each((window) => [
        largest.set(f32.const(-Infinity)),
        windows.elements((at) => [largest.set(f32.max(largest.get, f32.load(at)))]),
        f32.store(window, largest.get),
      ]),
    ]),
  );
  return k.finish("max_pool2d", "The largest element of each window.");
};

/** Of equal elements the first is the largest; a NaN is so only where it comes first. */
export const max_pool2d_grad: WasmKernel<"max_pool2d_grad"> = (
  { operands: { grad, x }, attrs, results },
  k,
) => {
  const phase = k.phase();
  const windows = new Windows(k, phase, attrs, x, grad);
  const outAt = k.address(onlyView(results))(phase);
  const [largest, to] = phase.locals("i32", 2) as readonly [Local<"i32">, Local<"i32">];
  const isLarger = (at: I32): I32 => f32.gt(f32.load(at), f32.load(largest.get));
  phase.push(
    windows.eachPlane(({ first, bytes, start }) => {
      const out = i32.add(outAt, i32.sub(start, first));
      return [
        phase.range(i32.const(0), bytes, 4, (at) => [i32.store(i32.add(out, at), i32.const(0))]),
        windows.each((window) => [
          largest.set(i32.const(0)),
          windows.elements((at) => [
            when(i32.eqz(largest.get), [largest.set(at)], [when(isLarger(at), [largest.set(at)])]),
          ]),
          to.set(i32.add(outAt, i32.sub(largest.get, first))),
          f32.store(to.get, f32.add(f32.load(to.get), f32.load(window))),
        ]),
      ];
    }),
  );
  return k.finish("max_pool2d_grad", "The gradient goes to the largest element of each window.");
};

interface WindowAttributes {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
}

/** Where along an axis the window stands: its elements that are inside, from and to. */
interface Reach {
  readonly from: Local<"i32">;
  readonly to: Local<"i32">;
}

/** The windows of pictures x, and a tensor that has an element for each window; a plane is one thread's. */
class Windows {
  readonly #phase: Phase;
  readonly #attrs: WindowAttributes;
  /** Addresses, and sizes of the last three axes. */
  readonly #x: { readonly at: I32; readonly planes: I32; readonly size: readonly [I32, I32] };
  readonly #windows: { readonly at: I32; readonly size: readonly [I32, I32] };
  readonly #reach: readonly [Reach, Reach];
  readonly #plane: Local<"i32">;
  readonly #window: Local<"i32">;

  constructor(k: KernelWriter, phase: Phase, attrs: WindowAttributes, x: View, windows: View) {
    const size = (of: Dim): I32 => k.size(of)(phase);
    const pictures = (view: View): readonly [I32, I32] => {
      const [height, width] = view.type.shape.slice(2) as [Dim, Dim];
      return [size(height), size(width)];
    };
    const [batch, channels] = x.type.shape as [Dim, Dim];
    const reach = (): Reach => ({ from: phase.local("i32"), to: phase.local("i32") });
    this.#phase = phase;
    this.#attrs = attrs;
    this.#x = { at: k.address(x)(phase), planes: size(multiplyDims(batch, channels)), size: pictures(x) };
    this.#windows = { at: k.address(windows)(phase), size: pictures(windows) };
    this.#reach = [reach(), reach()];
    [this.#plane, this.#window] = phase.locals("i32", 2) as readonly [Local<"i32">, Local<"i32">];
  }

  /** The thread's planes: where the first of all begins, how many bytes one has, and where this one begins. */
  eachPlane(
    body: (plane: { readonly first: I32; readonly bytes: I32; readonly start: I32 }) => readonly Statement[],
  ): Statement {
    const bytesOf = ([height, width]: readonly [I32, I32]): I32 =>
      i32.shl(i32.mul(height, width), i32.const(2));
    const bytes = this.#phase.still(bytesOf(this.#x.size));
    const { from, to } = this.#phase.share(this.#x.planes);
    return this.#phase.range(from, to, 1, (plane) => [
      this.#plane.set(i32.add(this.#x.at, i32.mul(plane, bytes))),
      this.#window.set(i32.add(this.#windows.at, i32.mul(plane, bytesOf(this.#windows.size)))),
      ...body({ first: this.#x.at, bytes, start: this.#plane.get }),
    ]);
  }

  /** The windows of the plane in order, each with the address of its element. */
  each(body: (window: I32) => readonly Statement[]): Statement {
    const [height, width] = this.#windows.size;
    return this.#phase.range(i32.const(0), height, 1, (y) => [
      ...this.#enter(0, y),
      this.#phase.range(i32.const(0), width, 1, (x) => [
        ...this.#enter(1, x),
        ...body(this.#window.get),
        this.#window.set(i32.add(this.#window.get, i32.const(4))),
      ]),
    ]);
  }

  /** The elements of the window that are inside the picture, by their addresses. */
  elements(body: (address: I32) => readonly Statement[]): Statement {
    const [rows, columns] = this.#reach;
    const [row, address] = this.#phase.locals("i32", 2) as readonly [Local<"i32">, Local<"i32">];
    return this.#phase.range(rows.from.get, rows.to.get, 1, (y) => [
      row.set(i32.add(this.#plane.get, i32.shl(i32.mul(y, this.#x.size[1]), i32.const(2)))),
      this.#phase.range(columns.from.get, columns.to.get, 1, (x) => [
        address.set(i32.add(row.get, i32.shl(x, i32.const(2)))),
        ...body(address.get),
      ]),
    ]);
  }

  #enter(axis: 0 | 1, window: I32): Statement[] {
    const { kernel, stride, padding } = this.#attrs;
    const { from, to } = this.#reach[axis];
    const zero = i32.const(0);
    return [
      from.set(i32.sub(i32.mul(window, i32.const(stride[axis]!)), i32.const(padding[axis]!))),
      to.set(lesser(i32.add(from.get, i32.const(kernel[axis]!)), this.#x.size[axis])),
      from.set(select(i32.lt_s(from.get, zero), zero, from.get)),
    ];
  }
}
