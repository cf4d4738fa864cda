import { isOpName } from "../../ops/table.ts";
import type { Plan } from "../../plan/plan.ts";
import { isFloat } from "../../tensor/dtype.ts";
import { constantDim, type Dim } from "../../tensor/dim.ts";
import type { inputRuntime } from "../module/runtime/inputs.ts";
import type { elementRuntime } from "../module/runtime/weights.ts";
import type { Naming } from "./call.ts";
import type { FloatFormat } from "./storage.ts";
import { identifier, isProduct, literal, Names, sizeText } from "../module/text.ts";

/** Kernels have the names of ops, so that a value is better called otherwise. */
function wishFor(text: string): string {
  const word = identifier(text);
  return isOpName(word) ? `${word}_out` : word;
}

/** What the start of a slot of the arena is called. */
export const slotName = (slot: number): string => `slot${slot}`;

/** What the values of one function of a module are called. */
export class ModuleNames {
  readonly #plan: Pick<Plan, "buffers" | "symbols">;
  readonly floats: FloatFormat;
  readonly #names: Names;
  readonly #symbols = new Map<string, string>();
  /** The start of an arena buffer, or the array of an output or of a tensor that is being prepared. */
  readonly #locals = new Map<number, string>();

  readonly checks = new Set<keyof typeof inputRuntime>();
  readonly readers = new Set<keyof typeof elementRuntime>();

  /** `taken` are the words that the function holds whatever the model is. */
  constructor(plan: Pick<Plan, "buffers" | "symbols">, floats: FloatFormat, taken: Iterable<string>) {
    this.#plan = plan;
    this.floats = floats;
    this.run = this.#runNaming();
    this.prepare = this.#prepareNaming();
    this.#names = new Names(taken);
    for (const { name } of plan.symbols) this.#symbols.set(name, this.#names.give(wishFor(name)));
  }

  /** The name of a function that checks or makes what a run takes, which the module then has. */
  check(name: keyof typeof inputRuntime): string {
    this.checks.add(name);
    return name;
  }

  /** The same for one that reads the elements of a weight. */
  reader(name: keyof typeof elementRuntime): string {
    this.readers.add(name);
    return name;
  }

  symbol(name: string): string {
    return this.#symbols.get(name) ?? name;
  }

  local(buffer: number): string {
    const known = this.#locals.get(buffer);
    if (known !== undefined) return known;
    const name = this.#names.give(wishFor(this.#plan.buffers[buffer]!.name));
    this.#locals.set(buffer, name);
    return name;
  }

  size(size: Dim): string {
    return sizeText(size, (name) => this.symbol(name));
  }

  /** How steps of a run name memory: weights by their key, the arena by offset, outputs by their array. */
  readonly run: Naming;

  /** How steps that prepare weights name memory: each tensor is an array of its own. */
  readonly prepare: Naming;

  #runNaming(): Naming {
    return {
      array: (view) => {
        const { home, name, dtype } = this.#plan.buffers[view.buffer]!;
        if (home.kind === "slot") return isFloat(dtype) ? this.floats : "i32";
        if (home.kind === "state") return `state[${literal(home.state)}].data`;
        return home.kind === "output" ? this.local(view.buffer) : `weights[${literal(name)}]`;
      },
      start: (view) => {
        const { kind } = this.#plan.buffers[view.buffer]!.home;
        if (kind === "slot") return this.#plus(this.local(view.buffer), view.offset);
        return this.size(view.offset);
      },
      size: (size) => this.size(size),
      scratch: { array: this.floats, start: "scratch" },
    };
  }

  #prepareNaming(): Naming {
    return {
      array: (view) => this.local(view.buffer),
      start: (view) => this.size(view.offset),
      size: (size) => this.size(size),
      scratch: { array: "scratch", start: "0" },
    };
  }

  #plus(start: string, offset: Dim): string {
    if (constantDim(offset) === 0) return start;
    const text = this.size(offset);
    const isSum = !isProduct(offset) || offset.terms.some(({ coefficient }) => coefficient < 0);
    return isSum ? `${start} + (${text})` : `${start} + ${text}`;
  }
}
