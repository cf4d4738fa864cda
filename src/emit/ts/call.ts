import { invariant } from "../../support/invariant.ts";
import type { Code } from "../../support/text.ts";
import type { Dim } from "../../tensor/dim.ts";
import type { View } from "../../kernels/view.ts";
import { arrayType, type FloatFormat } from "./storage.ts";
import type { HelperName } from "./helpers/table.ts";

/** A function of the emitted module; two kernels with the same text are one function. */
export interface KernelFunction {
  /** What it would like to be called; a number is added if another function has the name. */
  readonly name: string;
  /** What it computes, a line or two. */
  readonly doc: readonly string[];
  readonly parameters: readonly string[];
  readonly body: readonly Code[];
  readonly helpers: ReadonlySet<HelperName>;
}

/** One step as a call. */
export interface Call {
  readonly kernel: KernelFunction;
  readonly args: readonly string[];
}

/** How the emitted module names what a plan is made of. */
export interface Naming {
  readonly floats: FloatFormat;
  /** The typed array that holds a view's buffer. */
  readonly array: (view: View) => string;
  /** The index of the view's first element in it; undefined where that is 0 whenever the kernel is called. */
  readonly start: (view: View) => string | undefined;
  readonly size: (size: Dim) => string;
  /** Where a step may put what it needs while it runs. */
  readonly scratch: { readonly array: string; readonly start: string };
}

/**
 * A kernel and its call, parameter by parameter, so that both always agree. A tensor `x` is two parameters, the typed
 * array `x` and the index `xAt` of its first element, if that is not always 0; strides and sizes follow as numbers.
 */
export class CallBuilder {
  readonly #naming: Naming;
  readonly #parameters: string[] = [];
  readonly #args: string[] = [];
  readonly #helpers = new Set<HelperName>();

  constructor(naming: Naming) {
    this.#naming = naming;
  }

  /** The view as parameters; returns the index of its first element. */
  tensor(name: string, view: View): string {
    this.#add(name, arrayType(view.type.dtype, this.#naming.floats), this.#naming.array(view));
    const start = this.#naming.start(view);
    return start === undefined ? "0" : this.#number(`${name}At`, start);
  }

  /** Memory that only the step itself uses: its scratch. Returns the index of the first element. */
  scratch(name: string): string {
    this.#add(name, arrayType("f32", this.#naming.floats), this.#naming.scratch.array);
    return this.#number(`${name}At`, this.#naming.scratch.start);
  }

  /** A size or stride as a number. */
  size(name: string, size: Dim): string {
    return this.#number(name, this.#naming.size(size));
  }

  /** A number that is known now but differs from call to call, as an epsilon may. */
  number(name: string, value: string): string {
    return this.#number(name, value);
  }

  /** Names a helper that the body calls; returns its name. */
  helper<H extends HelperName>(name: H): H {
    this.#helpers.add(name);
    return name;
  }

  helpers(names: Iterable<HelperName>): void {
    for (const name of names) this.#helpers.add(name);
  }

  finish(name: string, doc: readonly string[], body: readonly Code[]): Call {
    const kernel = { name, doc, parameters: this.#parameters, body, helpers: this.#helpers };
    return { kernel, args: this.#args };
  }

  #number(name: string, value: string): string {
    this.#add(name, "number", value);
    return name;
  }

  #add(name: string, type: string, value: string): void {
    const parameter = `${name}«: ${type}»`;
    invariant(!this.#parameters.includes(parameter), `two parameters are called ${name}`);
    this.#parameters.push(parameter);
    this.#args.push(value);
  }
}
