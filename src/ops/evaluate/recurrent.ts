import { sizeOf, type HostTensor } from "../../tensor/host.ts";

export interface LinearAttendOperands {
  readonly q: HostTensor;
  readonly k: HostTensor;
  readonly v: HostTensor;
  readonly decay: HostTensor | undefined;
  readonly beta: HostTensor | undefined;
  readonly state: HostTensor | undefined;
}

/** One head at one position, of operands by their places. */
class Recurrence {
  readonly batch: number;
  readonly heads: number;
  readonly rows: number;
  readonly keys: number;
  readonly width: number;
  readonly #groups: number;
  readonly #operands: LinearAttendOperands;

  constructor(operands: LinearAttendOperands) {
    const [batch, groups, , keys] = operands.q.shape as readonly [number, number, number, number];
    const [, heads, rows, width] = operands.v.shape as readonly [number, number, number, number];
    [this.batch, this.heads, this.rows, this.keys, this.width] = [batch, heads, rows, keys, width];
    this.#groups = groups;
    this.#operands = operands;
  }

  /** Of [B, H, T]. */
  row(item: number, head: number, t: number): number {
    return (item * this.heads + head) * this.rows + t;
  }

  /** Of q and k. */
  key(item: number, head: number, t: number): number {
    const group = Math.floor((head * this.#groups) / this.heads);
    return ((item * this.#groups + group) * this.rows + t) * this.keys;
  }

  /** Of a decay, which is one number a position, or one a channel of the keys. */
  decayAt(row: number, i: number): number {
    return this.#operands.decay?.shape.length === 4 ? row * this.keys + i : row;
  }

  fall(row: number, i: number): number {
    const { decay } = this.#operands;
    return decay === undefined ? 1 : Math.exp(decay.data[this.decayAt(row, i)]!);
  }

  /** S[K, V] before the first position. */
  first(item: number, head: number): Float64Array {
    const size = this.keys * this.width;
    const at = (item * this.heads + head) * size;
    const { state } = this.#operands;
    return state === undefined
      ? new Float64Array(size)
      : Float64Array.from(state.data.subarray(at, at + size));
  }

  /** S falls; and then what each channel of the values takes from it and adds to it, times k. */
  step(state: Float64Array, item: number, head: number, t: number) {
    const { keys, width } = this;
    const { k, v, beta } = this.#operands;
    const [row, key] = [this.row(item, head, t), this.key(item, head, t)];
    for (let i = 0; i < keys; i++) {
      const fall = this.fall(row, i);
      for (let j = 0; j < width; j++) state[i * width + j]! *= fall;
    }
    const fallen = state.slice();
    const error = new Float64Array(width);
    const change = new Float64Array(width);
    for (let j = 0; j < width; j++) {
      let known = 0;
      if (beta !== undefined)
        for (let i = 0; i < keys; i++) known += k.data[key + i]! * state[i * width + j]!;
      error[j] = v.data[row * width + j]! - known;
      change[j] = (beta === undefined ? 1 : beta.data[row]!) * error[j]!;
    }
    for (let i = 0; i < keys; i++)
      for (let j = 0; j < width; j++) state[i * width + j]! += k.data[key + i]! * change[j]!;
    return { row, key, fallen, error, change };
  }
}

/** S ← e^decay S, S ← S + β k (v − Sᵀ k)ᵀ (without β: S + k vᵀ), out = Sᵀ q; a position after the other. */
export function evaluateLinearAttend(operands: LinearAttendOperands): HostTensor[] {
  const walk = new Recurrence(operands);
  const { q, v } = operands;
  const { batch, heads, rows, keys, width } = walk;
  const out = new Float64Array(sizeOf(v.shape));
  const last = new Float64Array(batch * heads * keys * width);
  for (let item = 0; item < batch; item++)
    for (let head = 0; head < heads; head++) {
      const state = walk.first(item, head);
      for (let t = 0; t < rows; t++) {
        const { row, key } = walk.step(state, item, head, t);
        for (let i = 0; i < keys; i++)
          for (let j = 0; j < width; j++) out[row * width + j]! += q.data[key + i]! * state[i * width + j]!;
      }
      last.set(state, (item * heads + head) * keys * width);
    }
  return [
    { dtype: q.dtype, shape: [...v.shape], data: out },
    { dtype: q.dtype, shape: [batch, heads, keys, width], data: last },
  ];
}

type GradientOperands = LinearAttendOperands & {
  readonly grad: HostTensor;
  readonly grad_state: HostTensor | undefined;
};

/** The gradients by walking back over the states of all positions. */
export function evaluateLinearAttendGrad({ grad, grad_state, ...operands }: GradientOperands): HostTensor[] {
  const walk = new Recurrence(operands);
  const { q, k, v, decay } = operands;
  const { batch, heads, rows, keys, width } = walk;
  const perRow = [batch, heads, rows];
  const shapes = [q.shape, k.shape, v.shape, decay?.shape ?? perRow, perRow, [batch, heads, keys, width]];
  const results = shapes.map((shape) => new Float64Array(sizeOf(shape)));
  for (let item = 0; item < batch; item++)
    for (let head = 0; head < heads; head++)
      walkBack(walk, operands, { grad, grad_state }, item, head, results);
  return results.map((data, at) => ({ dtype: q.dtype, shape: [...shapes[at]!], data }));
}

function walkBack(
  walk: Recurrence,
  { q, k, beta }: LinearAttendOperands,
  { grad, grad_state }: Pick<GradientOperands, "grad" | "grad_state">,
  item: number,
  head: number,
  results: readonly Float64Array[],
): void {
  const [ofQ, ofK, ofV, ofDecay, ofBeta, ofState] = results as readonly [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const { heads, keys, width } = walk;
  const at = (item * heads + head) * keys * width;
  const last = grad_state?.data.subarray(at, at + keys * width);
  const back = last === undefined ? new Float64Array(keys * width) : Float64Array.from(last);
  for (const { row, key, fallen, error, change, after } of statesOf(walk, item, head).reverse()) {
    for (let i = 0; i < keys; i++)
      for (let j = 0; j < width; j++) {
        ofQ[key + i]! += after[i * width + j]! * grad.data[row * width + j]!;
        back[i * width + j]! += q.data[key + i]! * grad.data[row * width + j]!;
      }
    for (let j = 0; j < width; j++) {
      let ofChange = 0;
      for (let i = 0; i < keys; i++) ofChange += k.data[key + i]! * back[i * width + j]!;
      ofBeta[row]! += ofChange * error[j]!;
      const ofError = (beta === undefined ? 1 : beta.data[row]!) * ofChange;
      ofV[row * width + j] = ofError;
      for (let i = 0; i < keys; i++) {
        const place = i * width + j;
        ofK[key + i]! += back[place]! * change[j]!;
        if (beta !== undefined) {
          ofK[key + i]! -= ofError * fallen[place]!;
          back[place]! -= k.data[key + i]! * ofError;
        }
        ofDecay[walk.decayAt(row, i)]! += back[place]! * fallen[place]!;
        back[place]! *= walk.fall(row, i);
      }
    }
  }
  ofState.set(back, at);
}

/** The steps of a head, each with the state after it. */
function statesOf(walk: Recurrence, item: number, head: number) {
  const state = walk.first(item, head);
  return Array.from({ length: walk.rows }, (_, t) => {
    const step = walk.step(state, item, head, t);
    return { ...step, after: state.slice() };
  });
}
