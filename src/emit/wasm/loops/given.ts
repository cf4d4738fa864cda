import { invariant } from "../../../support/invariant.ts";
import { dim, multiplyDims } from "../../../tensor/dim.ts";
import {
  allOf,
  type Expression,
  type LoopKernel,
  type Name,
  type Parameter,
  type Tensor,
} from "../../loops/tree.ts";
import type { I32 } from "../assembler/code.ts";
import { f32, i32 } from "../assembler/numbers.ts";
import { f32x4 } from "../assembler/simd.ts";
import { floats, wordOf } from "../functions/lanes.ts";
import type { KernelWriter, Phase } from "../kernel.ts";
import { Encoder } from "./encoder.ts";
import { lone, type Value } from "./values.ts";
import { storesOf } from "./still.ts";
import { doublesOf } from "./work.ts";

const FLOAT = 4;
const DOUBLE = 8;

/** What a kernel is given, and its own tables, in every phase. */
export class Given {
  readonly k: KernelWriter;
  readonly #doubles: ReadonlySet<Name>;
  readonly #names = new Map<Name, (phase: Phase) => Value>();
  readonly #starts = new Map<Tensor, (phase: Phase) => I32>();
  /** Where the calling thread's own floats begin. */
  #scratch: ((phase: Phase) => I32) | undefined;

  /** `ends` are sizes that differ between steps which share the kernel. */
  constructor(kernel: LoopKernel, k: KernelWriter, ends: ReadonlySet<Expression>) {
    this.k = k;
    this.#doubles = doublesOf(kernel);
    for (const parameter of kernel.parameters) this.#give(parameter, ends);
    this.#giveTables(kernel);
  }

  /** Encodes statements of a phase. */
  encoder(phase: Phase): Encoder {
    const startOf = (tensor: Tensor): I32 => {
      const start = this.#starts.get(tensor);
      invariant(start !== undefined, `${tensor.name} is nowhere`);
      return start(phase);
    };
    const encoder = new Encoder({
      machine: this.k.machine,
      constants: this.k.constants,
      phase,
      startOf,
      doubles: this.#doubles,
    });
    for (const [name, value] of this.#names) encoder.formulas.define(name, () => value(phase));
    return encoder;
  }

  #give(parameter: Parameter, ends: ReadonlySet<Expression>): void {
    const { k } = this;
    switch (parameter.kind) {
      case "tensor":
        this.#starts.set(parameter.tensor, k.address(parameter.tensor.view!));
        return;
      case "scratch":
        this.#scratch ??= k.own(multiplyDims(parameter.elements, dim(FLOAT)));
        this.#starts.set(parameter.tensor, this.#scratch);
        return;
      case "size": {
        const size = ends.has(parameter.name) ? k.sizeWord(parameter.size) : k.size(parameter.size);
        this.#names.set(parameter.name, (phase) => lone(size(phase)));
        return;
      }
      case "number": {
        const isWhole = parameter.name.type === "whole";
        const word = k.number(isWhole ? parameter.value | 0 : wordOf(parameter.value));
        this.#names.set(parameter.name, (phase) =>
          isWhole ? lone(word(phase)) : floats([f32x4.splat(f32.reinterpret_i32(word(phase)))]),
        );
      }
    }
  }

  /** Numbers that are known are constants; a table that is written is each thread's own. */
  #giveTables({ body }: LoopKernel): void {
    const written = new Set(storesOf(allOf(body)).map(({ tensor }) => tensor));
    const tables = body.filter((each) => each.kind === "table");
    const own = tables.filter(({ tensor }) => written.has(tensor));
    const bytes = own.reduce((sum, { values }) => sum + DOUBLE * values.length, 0);
    invariant(own.length === 0 || this.#scratch === undefined, "a kernel has tables or scratch memory");
    const first = own.length === 0 ? undefined : this.k.own(dim(bytes));
    let at = 0;
    for (const { tensor, values } of tables) {
      invariant(tensor.dtype === "f64", `the table ${tensor.name} is float64`);
      if (!written.has(tensor)) {
        const address = this.k.constants.address(new Uint8Array(Float64Array.from(values).buffer), 16);
        this.#starts.set(tensor, () => i32.const(address));
        continue;
      }
      const offset = at;
      this.#starts.set(tensor, (phase) => phase.still(i32.add(first!(phase), i32.const(offset))));
      at += DOUBLE * values.length;
    }
  }
}
