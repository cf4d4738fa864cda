import type { Parameter, State } from "../ir/graph.ts";
import type { Target } from "../kernels/target.ts";
import { denseView, type View } from "../kernels/view.ts";
import { invariant } from "../support/invariant.ts";
import { constantDim, type Dim } from "../tensor/dim.ts";
import type { Half } from "../tensor/dtype.ts";
import { elementsOf, showType, type TensorType } from "../tensor/type.ts";
import type { DraftBuffer } from "./memory.ts";
import { isAtLoad, type PlanParameter, type PlanShared, type PlanState, type Step } from "./plan.ts";

/** What the parts of a program share while it is planned: buffers, weights, states and what is made of them at load. */
export class PlanTables {
  readonly target: Target;
  readonly buffers: DraftBuffer[] = [];
  readonly prepare: Step[] = [];
  readonly prepared = new SharedViews();
  /** The buffers of 32 bits whose elements are halves. */
  readonly #halves = new Map<number, Half>();
  readonly #names = new BufferNames();
  readonly #parameters = new Map<string, PlanParameter>();
  readonly #states = new Map<string, PlanState>();

  constructor(target: Target) {
    this.target = target;
  }

  beginPart(): void {
    this.#names.beginPart();
    this.prepared.beginPart();
  }

  /** A new buffer for a whole tensor, called by the first name that is free; without a home it will be in the arena. */
  allocate(names: readonly string[], type: TensorType, home: DraftBuffer["home"], half?: Half): View {
    const isShared = home !== undefined && home.kind !== "output";
    const name = this.#names.give(names, isShared);
    const lies = half === undefined ? {} : { half };
    this.buffers.push({ name, dtype: type.dtype, elements: elementsOf(type), home, ...lies });
    return denseView(this.buffers.length - 1, type);
  }

  /** Known before a run, and so is where and how far the view reaches. */
  isStatic({ buffer, offset, strides, type }: View): boolean {
    const { home } = this.buffers[buffer]!;
    return (
      home !== undefined &&
      isAtLoad(home) &&
      [offset, ...strides, ...type.shape].every((size) => constantDim(size) !== undefined)
    );
  }

  /** What the elements of a buffer are without loss, if the target keeps such. */
  halfOf({ buffer }: View): Half | undefined {
    return this.#halves.get(buffer);
  }

  /** Says that a buffer holds what all of these hold, in its own order. */
  holds({ buffer }: View, parts: readonly View[]): void {
    const kinds = new Set(parts.map((part) => this.halfOf(part)));
    const [half] = kinds;
    if (kinds.size === 1 && half !== undefined) this.#halves.set(buffer, half);
  }

  /** Where a state lies when a run begins. */
  state({ name, value: { type }, kind, init }: State): View {
    const known = this.#states.get(name);
    if (known !== undefined) return denseView(known.buffer, type);
    const view = this.allocate([name], type, { kind: "state", state: name });
    this.#states.set(name, { name, type, kind, init, buffer: view.buffer });
    return view;
  }

  /** Where a parameter lies; undefined as long as no part reads it. */
  parameter({ name, value: { type }, kept }: Parameter, isRead: boolean): View | undefined {
    const known = this.#parameters.get(name)?.buffer;
    const home = { kind: "parameter", parameter: name } as const;
    const buffer = known ?? (isRead ? this.allocate([name], type, home).buffer : undefined);
    const shape = type.shape.map(sizeOfWeight);
    this.#parameters.set(name, { name, dtype: type.dtype, shape, buffer });
    if (buffer !== undefined && kept !== undefined && this.target.halves !== undefined)
      this.#halves.set(buffer, kept);
    return buffer === undefined ? undefined : denseView(buffer, type);
  }

  /** The tables as they are, when all parts are there. */
  finish(notNeeded: readonly string[]): PlanShared {
    const states = [...this.#states.values()];
    const begun = states.filter(({ kind }) => kind !== "kept");
    const weights = begun.map(({ name, type, buffer }): PlanParameter => {
      return { name, dtype: type.dtype, shape: type.shape.map(sizeOfWeight), buffer };
    });
    return {
      parameters: [...this.#parameters.values(), ...weights],
      notNeeded,
      state: states,
      buffers: this.buffers.map(({ home, ...buffer }) => {
        invariant(home !== undefined, `the buffer ${buffer.name} has no place`);
        return { ...buffer, home };
      }),
      prepare: this.prepare,
    };
  }
}

function sizeOfWeight(size: Dim): number {
  const constant = constantDim(size);
  invariant(constant !== undefined, `a weight has the run-time size ${size.key}`);
  return constant;
}

/**
 * What earlier parts of a program made once, at load, by a key that says how: a part that wants the same takes it. Within
 * a part nothing is looked for, as its graph has been rid of what stands twice.
 */
class SharedViews {
  readonly #known = new Map<string, readonly View[]>();
  readonly #made = new Map<string, readonly View[]>();

  of(key: string, make: () => readonly View[]): readonly View[] {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#made.set(key, made);
    return made;
  }

  /** From now on what was made before is known. */
  beginPart(): void {
    for (const [key, views] of this.#made) this.#known.set(key, views);
    this.#made.clear();
  }
}

/** Views with one key are the same elements in the same order. */
export const keyOfView = ({ buffer, type, offset, strides }: View): string =>
  `${buffer} ${showType(type)} ${offset.key} ${strides.map(({ key }) => key).join()}`;

/** Constants with one key are the same numbers, 0 and -0 apart. */
export const keyOfConstant = (type: TensorType, values: readonly number[]): string =>
  `constant ${showType(type)} ${JSON.stringify(values, exactNumber)}`;

type Operands = Readonly<Record<string, View | readonly View[] | undefined>>;

/** Steps with one key compute the same. */
export const keyOfStep = (op: string, operands: Operands, attrs: Readonly<Record<string, unknown>>): string =>
  `${op} ${JSON.stringify(attrs, exactNumber)} ${Object.entries(operands)
    .map(([name, operand]) => `${name} ${[operand ?? []].flat().map(keyOfView).join("; ")}`)
    .join(" ")}`;

/** JSON has neither infinities nor NaN nor -0. */
const exactNumber = (_: string, value: unknown): unknown =>
  typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))
    ? `number ${value < 0 || Object.is(value, -0) ? "-" : ""}${Math.abs(value)}`
    : value;

/** Names of buffers: unique among those of a part and those that parts share; two parts may use one name. */
class BufferNames {
  readonly #shared = new Set<string>();
  /** Of all parts. */
  readonly #ever = new Set<string>();
  #part = new Set<string>();
  #counts = new Map<string, number>();

  beginPart(): void {
    this.#part = new Set();
    this.#counts = new Map();
  }

  /** The first of the wishes that is free, or the last with a number. */
  give(wishes: readonly string[], isShared: boolean): string {
    const last = wishes.at(-1)!;
    let name = wishes.find((wish) => !this.#isTaken(wish, isShared)) ?? last;
    for (let count = this.#counts.get(last) ?? 1; this.#isTaken(name, isShared); count++) {
      name = `${last}_${count}`;
      this.#counts.set(last, count + 1);
    }
    this.#counts.set(name, 1);
    (isShared ? this.#shared : this.#part).add(name);
    this.#ever.add(name);
    return name;
  }

  #isTaken(name: string, isShared: boolean): boolean {
    return this.#part.has(name) || this.#shared.has(name) || (isShared && this.#ever.has(name));
  }
}
