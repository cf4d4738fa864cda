import { isOpName } from "../../ops/table.ts";
import type { Plan } from "../../plan/plan.ts";
import type { View } from "../../plan/view.ts";
import { isFloat } from "../../tensor/dtype.ts";
import { constantDim, type Dim } from "../../tensor/dim.ts";
import type { Naming } from "./call.ts";
import type { FloatFormat } from "./storage.ts";
import { helpers } from "./helpers/table.ts";
import { identifier, isProduct, literal, Names, sizeText } from "./text.ts";

/** Words of the language and of the module's own text that no value of a model may be called. */
const reserved = (
  "arguments await break case catch class const continue debugger default delete do else enum eval export extends false " +
  "finally for function if implements import in instanceof interface let new null package private protected public " +
  "return static super switch this throw true try typeof var void while with yield undefined NaN Infinity " +
  "Array Float32Array Float64Array Int32Array Uint8Array Uint16Array Uint32Array ArrayBuffer DataView TextDecoder " +
  "Map Set Math Number Object JSON Error RegExp Tensor FloatTensor IntTensor Inputs Outputs Model Parameter WeightSource " +
  "WeightOptions WeightsError InputError parameters createModel loadSafetensors readSafetensors prepareWeights " +
  "matchWeights shapeProblems suggest editDistance floats ints harmlessTensors checkInputNames inputSize shapeMessage " +
  "readInput checkTensor checkWhole bytesOf elementBytes readHeader isSize readEntry readElements halfToNumber tile product " +
  "left0 left1 left2 left3 right0 right1 turns fractions powers " +
  "f32 f64 i32 weights inputs run source options tensors scratch words memory"
).split(" ");

/** What everything of one module is called. */
export class ModuleNames {
  readonly #plan: Plan;
  readonly floats: FloatFormat;
  readonly #names = new Names([...reserved, ...Object.keys(helpers)]);
  readonly #symbols = new Map<string, string>();
  /** The start of an arena buffer, or the array of an output or of a tensor that is being prepared. */
  readonly #locals = new Map<number, string>();

  constructor(plan: Plan, floats: FloatFormat = "f32") {
    this.#plan = plan;
    this.floats = floats;
    this.run = this.#runNaming();
    this.prepare = this.#prepareNaming();
    for (const { name } of plan.symbols) this.#symbols.set(name, this.#names.give(identifier(name)));
  }

  /** A name for a function of the module. */
  kernel(wish: string): string {
    return this.#names.give(wish);
  }

  symbol(name: string): string {
    return this.#symbols.get(name) ?? name;
  }

  local(buffer: number): string {
    const known = this.#locals.get(buffer);
    if (known !== undefined) return known;
    const wish = identifier(this.#plan.buffers[buffer]!.name);
    const name = this.#names.give(isOpName(wish) ? `${wish}_out` : wish);
    this.#locals.set(buffer, name);
    return name;
  }

  slot(slot: number): string {
    return `slot${slot}`;
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
      floats: this.floats,
      array: (view) => {
        const { home, name, dtype } = this.#plan.buffers[view.buffer]!;
        if (home.kind === "slot") return isFloat(dtype) ? this.floats : "i32";
        if (home.kind === "state") return `weights[${literal(home.state)}]`;
        return home.kind === "output" ? this.local(view.buffer) : `weights[${literal(name)}]`;
      },
      start: (view) => {
        const { kind } = this.#plan.buffers[view.buffer]!.home;
        if (kind === "slot") return this.#plus(this.local(view.buffer), view.offset);
        const start = this.size(view.offset);
        return start === "0" && kind !== "output" ? undefined : start;
      },
      size: (size) => this.size(size),
      scratch: { array: this.floats, start: "scratch" },
    };
  }

  #prepareNaming(): Naming {
    return {
      floats: this.floats,
      array: (view: View) => this.local(view.buffer),
      start: (view) => {
        const start = this.size(view.offset);
        return start === "0" ? undefined : start;
      },
      size: (size) => this.size(size),
      scratch: { array: "scratch", start: "0" },
    };
  }

  #plus(start: string, offset: Dim): string {
    if (constantDim(offset) === 0) return start;
    const text = this.size(offset);
    return isProduct(offset) && !text.startsWith("-") ? `${start} + ${text}` : `${start} + (${text})`;
  }
}
