import type { Elements } from "./elements.ts";
import { storedAs } from "./reader.ts";
import type { Tensor } from "./tensor.ts";

/** A tensor whose elements are read when they are wanted, some at a time. */
export interface StreamedTensor {
  readonly shape: readonly number[];
  /** Float32Array or Int32Array is what comes. */
  readonly dtype: "f32" | "i32";
  /** Elements from one up to another, row-major; they may be overwritten by the next that are read of any tensor. */
  readonly read: (first: number, end: number) => Elements | Promise<Elements>;
  /** They come from far away, each into an array of its own: some are asked for before they are wanted. */
  readonly isFar?: boolean;
  /** Bytes that an element takes where it comes from, for onProgress; 4 if it is left off. */
  readonly elementBytes?: number;
}

/** Tensors by their checkpoint names, some or all of them read when they are wanted. */
export type StreamedSource =
  Readonly<Record<string, Tensor | StreamedTensor>> | ReadonlyMap<string, Tensor | StreamedTensor>;

/** How weights are brought to where they are kept. */
export interface LoadOptions {
  /** Told after each part how many bytes of the weights are there, and of how many. */
  readonly onProgress?: (progress: { readonly loaded: number; readonly total: number }) => void;
  /** An AbortSignal ends the loading, which then rejects with its reason; programs without `dom` or @types/node have no such type. */
  readonly signal?: { readonly aborted: boolean; readonly throwIfAborted: () => void };
}

/** Elements that are read at a time: 4 MB of a model. Of what lies near, where asking costs little, fewer: what reads them makes them in memory. */
export const PART = 2 ** 20;
const NEAR_PART = 2 ** 18;

const countOfShape = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

export const isStreamed = (tensor: Tensor | StreamedTensor): tensor is StreamedTensor => "read" in tensor;

/** Elements of a tensor from one up to another, of the kind that a model has them in. */
export async function elementsBetween(
  tensor: Tensor | StreamedTensor,
  kind: "f32" | "i32",
  first: number,
  end: number,
): Promise<Elements> {
  const found = isStreamed(tensor)
    ? await tensor.read(first, end)
    : (storedAs.get(tensor)?.read(first, end) ??
      (ArrayBuffer.isView(tensor.data)
        ? (tensor.data as Elements).subarray(first, end)
        : Array.prototype.slice.call(tensor.data, first, end)));
  const Kind = kind === "f32" ? Float32Array : Int32Array;
  return found instanceof Kind ? found : Kind.from(found);
}

/** Elements of a tensor that a model wants, from one up to another. */
export interface WantedPart {
  readonly tensor: Tensor | StreamedTensor;
  readonly kind: "f32" | "i32";
  readonly first: number;
  readonly end: number;
}

/** Parts of a tensor, each so small that a model needs little memory beside its own; all of it, if no places are said. */
export function partsBetween(
  tensor: Tensor | StreamedTensor,
  kind: "f32" | "i32",
  first = 0,
  end = countOfShape(tensor.shape),
): WantedPart[] {
  const size = isStreamed(tensor) && tensor.isFar !== true ? NEAR_PART : PART;
  const count = Math.ceil((end - first) / size);
  return Array.from({ length: count }, (_, index) => ({
    tensor,
    kind,
    first: first + index * size,
    end: Math.min(end, first + (index + 1) * size),
  }));
}

/** Parts that are under way before they are wanted, where they come from far away. */
const AHEAD = 4;

/** How long reading goes on before others have a turn, in milliseconds. */
const TURN_TIME = 50;

/** Gives parts of weights one after the other, in their order, and tells how much of all is there. */
export class PartReader {
  readonly #wanted: readonly WantedPart[];
  readonly #options: LoadOptions;
  readonly #total: number;
  readonly #started: (Promise<Elements> | undefined)[] = [];
  #next = 0;
  #loaded = 0;
  #since = performance.now();

  constructor(wanted: readonly WantedPart[], options: LoadOptions) {
    this.#wanted = wanted;
    this.#options = options;
    this.#total = wanted.reduce((sum, part) => sum + bytesOfPart(part), 0);
  }

  /** The elements of the next part. */
  async take(): Promise<Elements> {
    const { signal } = this.#options;
    if (performance.now() - this.#since > TURN_TIME) {
      await new Promise((go) => setTimeout(go));
      this.#since = performance.now();
    }
    signal?.throwIfAborted();
    const index = this.#next++;
    for (let at = this.#started.length; at < Math.min(index + AHEAD, this.#wanted.length); at++)
      this.#started.push(this.#startEarly(this.#wanted[at]!));
    const elements = await (this.#started[index] ?? this.#read(this.#wanted[index]!));
    this.#started[index] = undefined;
    return elements;
  }

  /** Says that the part that was taken is where it is to be. */
  tell(): void {
    this.#loaded += bytesOfPart(this.#wanted[this.#next - 1]!);
    if (this.#total > 0) this.#options.onProgress?.({ loaded: this.#loaded, total: this.#total });
  }

  #read({ tensor, kind, first, end }: WantedPart): Promise<Elements> {
    return elementsBetween(tensor, kind, first, end);
  }

  #startEarly(part: WantedPart): Promise<Elements> | undefined {
    if (!isStreamed(part.tensor) || part.tensor.isFar !== true) return undefined;
    const reading = this.#read(part);
    // Whoever waits for it hears of what it throws; until then nobody does.
    reading.catch(() => undefined);
    return reading;
  }
}

function bytesOfPart({ tensor, first, end }: WantedPart): number {
  const width = (isStreamed(tensor) ? tensor : storedAs.get(tensor))?.elementBytes ?? 4;
  return width * (end - first);
}
