import { append } from "../../support/lists.ts";
import type { View } from "../../kernels/view.ts";
import { invariant } from "../../support/invariant.ts";
import { layoutCode, type Code } from "../../support/text.ts";
import { addDims, constantDim, dim, symbolsOf, type Dim } from "../../tensor/dim.ts";
import { isFloat } from "../../tensor/dtype.ts";
import { withUsed } from "../module/helpers.ts";
import { helpers, type HelperName } from "./helpers.ts";
import {
  entryPoint,
  MAX_BINDINGS,
  SCRATCH,
  type Binding,
  type Context,
  type Dispatch,
  type Groups,
  type Parts,
} from "./kernel.ts";
import { builtins, type Builtin, type Tensor, type Tensors, type Views } from "./given.ts";
import { dimText } from "./text.ts";

interface Finish {
  readonly stage?: number | undefined;
  readonly name: string;
  readonly doc: readonly string[];
  readonly body: readonly Code[];
  readonly workgroup: readonly number[];
  readonly groups: Groups;
  readonly when?: Dispatch["when"] | undefined;
  readonly parts?: Parts | undefined;
}

interface Bound {
  readonly names: string[];
  readonly buffer: number | typeof SCRATCH;
  readonly element: string;
  writes: boolean;
  /** Whether it is bound as vectors of four elements. */
  isFours?: boolean;
  /** The vectors that lie here one after the other, and where each begins. */
  readonly pack?: Map<number, number>;
}

const isTrue = (text: string): boolean => text !== "";

/**
 * A kernel and its dispatch, declaration by declaration, so that both always agree. Sizes known now become override
 * constants: kernels that differ in them alone are one text. Sizes of run time are computed from the block `dims`.
 */
export class KernelBuilder {
  readonly context: Context;
  readonly #constants: Record<string, number> = {};
  readonly #overrides: string[] = [];
  readonly #sizes = new Map<string, string>();
  readonly #declarations: Code[] = [];
  readonly #bindings: Bound[] = [];
  readonly #helpers = new Set<HelperName>();
  readonly #builtins = new Set<Builtin>();
  readonly #ownFunctions: Code[] = [];
  readonly #declared = new Set<string>();
  readonly #reads: View[] = [];
  readonly #writes: View[] = [];
  #scratch: Dim | undefined;
  #workgroupBytes = 0;
  #readsDims = false;

  constructor(context: Context) {
    this.context = context;
  }

  /**
   * Declares operands and results. Those that share memory are one binding: WebGPU forbids to bind memory twice if one
   * of the two is written. Index 0 is the view's first element.
   */
  tensors<R extends Views, W extends Views>(reads: R, writes: W): Tensors<R> & Tensors<W> {
    const entries = (views: Views, isWritten: boolean) =>
      Object.entries(views).flatMap(([name, view]) =>
        view === undefined ? [] : [{ name, view, isWritten }],
      );
    const all = [...entries(reads, false), ...entries(writes, true)];
    for (const { view, isWritten } of all) (isWritten ? this.#writes : this.#reads).push(view);
    const memories = new Set(all.map(({ view }) => this.context.memoryOf(view.buffer)));
    if (this.#bindings.length + memories.size > MAX_BINDINGS) this.#packVectors(all);
    const bound = all.map(({ name, view, isWritten }) => this.#bind(name, view, isWritten));
    return Object.fromEntries(
      all.map(({ name, view }, index) => [name, this.#tensor(name, view, bound[index]!)]),
    ) as Tensors<R> & Tensors<W>;
  }

  /**
   * Binds a tensor that begins with its buffer as vectors of four: how one is read, by an index that counts fours, as vec4f.
   * It is not read otherwise then. Undefined if other tensors lie in the same binding.
   */
  bindFours(name: string): ((index: string) => string) | undefined {
    const bound = this.#bindings.find(({ names }) => names.includes(name));
    if (bound?.names.length !== 1 || bound.pack !== undefined || bound.writes) return undefined;
    bound.isFours = true;
    return (index) => `${bound.element === "f32" ? "" : "vec4f"}(${name}[${index}])`;
  }

  /** Memory of 32-bit floats that later stages of the step find as this one leaves it. */
  scratch(elements: Dim): Pick<Tensor, "put"> {
    const at = this.#bindScratch(elements, true);
    return { put: (index, value) => `${at(index)} = ${value};` };
  }

  /** What an earlier stage left there. */
  leftBefore(elements: Dim): Pick<Tensor, "at"> {
    return { at: this.#bindScratch(elements, false) };
  }

  /** Both: what an earlier stage left, and room for what this one leaves. */
  scratchBetween(elements: Dim): Pick<Tensor, "at" | "put"> {
    const at = this.#bindScratch(elements, true);
    return { at, put: (index, value) => `${at(index)} = ${value};` };
  }

  #bindScratch(elements: Dim, writes: boolean): (index: string) => string {
    this.#scratch = elements;
    this.#bindings.push({ names: [SCRATCH], buffer: SCRATCH, element: "f32", writes });
    return (index) => `${SCRATCH}[${index}]`;
  }

  /** Puts vectors that are as they were when the run began into one binding. */
  #packVectors(all: readonly { readonly view: View; readonly isWritten: boolean }[]): void {
    const pack = new Map<number, number>();
    let end = 0;
    for (const { view, isWritten } of all) {
      const length =
        isWritten || !isFloat(view.type.dtype) ? undefined : this.context.vectorLength(view.buffer);
      const [first] = pack.keys();
      const isAlike = first === undefined || this.context.isHalf(first) === this.context.isHalf(view.buffer);
      if (length === undefined || !isAlike || pack.has(view.buffer)) continue;
      pack.set(view.buffer, end);
      end += length + (length % 2);
    }
    const [buffer] = pack.keys();
    if (buffer === undefined) return;
    const element = this.context.isHalf(buffer) ? "f16" : "f32";
    this.#bindings.push({ names: ["vectors"], buffer, element, writes: false, pack });
  }

  #bind(name: string, view: View, writes: boolean): Bound {
    const { memoryOf, isHalf } = this.context;
    const packed = this.#bindings.find(({ pack }) => pack?.has(view.buffer) === true);
    if (packed !== undefined) return packed;
    const element = isFloat(view.type.dtype) ? (isHalf(view.buffer) ? "f16" : "f32") : "i32";
    const memory = memoryOf(view.buffer);
    const same = this.#bindings.find(
      ({ buffer, pack }) => pack === undefined && buffer !== SCRATCH && memoryOf(buffer) === memory,
    );
    if (same === undefined) {
      const binding = { names: [name], buffer: view.buffer, element, writes };
      this.#bindings.push(binding);
      return binding;
    }
    invariant(same.element === element, `${name} shares memory with another type`);
    same.names.push(name);
    same.writes ||= writes;
    return same;
  }

  #tensor(name: string, view: View, { names, pack }: Bound): Tensor {
    const array = names.join("_");
    const offset = addDims(dim(pack?.get(view.buffer) ?? 0), view.offset);
    const isHalf = this.context.isHalf(view.buffer);
    const start = constantDim(offset) === 0 ? "" : `${this.size(`${name}_start`, offset)} + `;
    const place = (index: string): string => `${array}[${start}${index}]`;
    return {
      view,
      isHalf,
      at: (index) => (isHalf ? `f32(${place(index)})` : place(index)),
      raw: place,
      put: (index, value, type) =>
        `${place(index)} = ${isHalf && type === undefined ? `f16(${value})` : value};`,
    };
  }

  /** A size or stride as a number: an override constant if it is known now, else computed from the run-time dims. */
  size(name: string, size: Dim): string {
    const constant = constantDim(size);
    if (constant !== undefined) return this.constant(name, constant);
    invariant(!this.#sizes.has(name), `two sizes are called ${name}`);
    this.#sizes.set(name, `let ${name} = ${dimText(size)};`);
    this.#readsDims ||= symbolsOf(size).size > 0;
    return name;
  }

  /** An override constant. */
  constant(name: string, value: number, type: "u32" | "i32" | "f32" = "u32"): string {
    invariant(!Object.hasOwn(this.#constants, name), `two constants are called ${name}`);
    this.#constants[name] = value;
    this.#overrides.push(`override ${name}: ${type};`);
    return name;
  }

  /** A product `index * size` as a summand; empty for a stride of 0, without the factor for 1. */
  stride(index: string, name: string, stride: Dim): string {
    return this.strides(name, stride)(index);
  }

  /** The same for indices that come later. */
  strides(name: string, stride: Dim): (index: string) => string {
    const constant = constantDim(stride);
    if (constant === 0) return () => "";
    if (constant === 1) return (index) => index;
    const size = this.size(name, stride);
    return (index) => `${index} * ${size}`;
  }

  /** Declarations of the module: constants, private and workgroup memory, functions. */
  declare(...code: readonly Code[]): void {
    append(this.#declarations, code);
  }

  /** Declares a function of a name, once. */
  declareFunction(name: string, code: readonly Code[]): void {
    if (this.#declared.has(name)) return;
    this.#declared.add(name);
    append(this.#ownFunctions, ["", ...code]);
  }

  /** An array that the workgroup shares; declared once, however often it is asked for. */
  shared(name: string, element: "f32" | "i32" | "u32" | "f16" | "vec2f" | "vec4f", count: number): void {
    if (this.#declared.has(name)) return;
    this.#declared.add(name);
    this.#workgroupBytes += count * { f32: 4, i32: 4, u32: 4, f16: 2, vec2f: 8, vec4f: 16 }[element];
    this.declare(`var<workgroup> ${name}: array<${element}, ${count}>;`);
  }

  helper(...names: readonly HelperName[]): void {
    for (const name of names) this.#helpers.add(name);
  }

  /** Names a builtin value that the body reads. */
  builtin(...names: readonly Builtin[]): void {
    for (const name of names) this.#builtins.add(name);
  }

  finish({ stage, name, doc, body, workgroup, groups, when, parts }: Finish): Dispatch {
    const parameters = (Object.keys(builtins) as Builtin[])
      .filter((builtin) => this.#builtins.has(builtin))
      .map((builtin) => `${builtins[builtin]},`);
    const main: Code[] = [
      `@compute @workgroup_size(${workgroup.join(", ")})`,
      `fn ${entryPoint}(`,
      parameters,
      ") {",
      [...this.#sizes.values(), ...body],
      "}",
    ];
    const parts_ = [
      this.#overrides,
      this.#interface(),
      this.#declarations,
      this.#functions(),
      this.#ownFunctions.slice(1),
      main,
    ];
    return {
      kernel: {
        name,
        doc,
        enables: this.#enables(),
        text: parts_
          .map((part) => (part.length === 0 ? "" : layoutCode(part)))
          .filter(isTrue)
          .join("\n"),
        workgroupSize: workgroup.reduce((product, size) => product * size, 1),
        workgroupBytes: this.#workgroupBytes,
        readsDims: this.#readsDims,
      },
      constants: this.#constants,
      bindings: this.#bindings.map(({ names, buffer, writes, pack }): Binding => ({
        ...(pack && { pack: [...pack.keys()] }),
        name: names.join("_"),
        buffer,
        writes,
      })),
      reads: this.#reads,
      writes: this.#writes,
      groups,
      ...(stage !== undefined && { stage }),
      ...(this.#scratch && { scratch: this.#scratch }),
      ...(when && { when }),
      ...(parts && { parts }),
    };
  }

  #enables(): string[] {
    const usesHalf = this.#bindings.some(({ element }) => element === "f16");
    return [
      ...(usesHalf ? ["enable f16;"] : []),
      ...(this.#builtins.has("subgroup_size") ? ["enable subgroups;"] : []),
    ];
  }

  #interface(): string[] {
    const first = this.#readsDims ? 1 : 0;
    return [
      ...(this.#readsDims ? ["@group(0) @binding(0) var<uniform> dims: Dims;"] : []),
      ...this.#bindings.map(({ names, element, writes, isFours }, index) => {
        const access = writes ? "read_write" : "read";
        const item = isFours === true ? `vec4<${element}>` : element;
        return `@group(0) @binding(${first + index}) var<storage, ${access}> ${names.join("_")}: array<${item}>;`;
      }),
    ];
  }

  #functions(): Code[] {
    return withUsed(helpers, this.#helpers).flatMap((name, index) => [
      ...(index === 0 ? [] : [""]),
      ...helpers[name].code,
    ]);
  }
}

/** The product of an index expression and dims is one where the size is 1 throughout. */
export const isUnit = (size: Dim): boolean => constantDim(size) === 1;
