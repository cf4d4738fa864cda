import { invariant } from "../../support/invariant.ts";
import type { Code } from "../../support/text.ts";
import type { Dim } from "../../tensor/dim.ts";
import type { View } from "../../kernels/view.ts";
import { arrayType } from "./storage.ts";
import type { HelperName } from "./helpers/table.ts";
import type { Placing } from "./placing.ts";

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

/** An argument of a call, in the words of a naming; `of` is the view that stands for one that the kernel was written for. */
export type Argument = (naming: Naming, of: (view: View) => View) => string;

/** One step as a call. */
export interface Call {
  readonly kernel: KernelFunction;
  readonly args: readonly Argument[];
  /** The views that the arguments name. */
  readonly views: ReadonlySet<View>;
}

/** How the emitted module names what a plan is made of. */
export interface Naming {
  /** The typed array that holds a view's buffer. */
  readonly array: (view: View) => string;
  /** The index of the view's first element in it. */
  readonly start: (view: View) => string;
  readonly size: (size: Dim) => string;
  /** Where a step may put what it needs while it runs. */
  readonly scratch: { readonly array: string; readonly start: string };
}

/**
 * A kernel and its call, parameter by parameter, so that both always agree. A tensor `x` is two parameters, the typed
 * array `x` and the index `xAt` of its first element, if that is not always 0; strides and sizes follow as numbers.
 */
export class CallBuilder {
  readonly #placing: Placing;
  readonly #parameters: string[] = [];
  readonly #args: Argument[] = [];
  readonly #views = new Set<View>();
  readonly #helpers = new Set<HelperName>();

  constructor(placing: Placing) {
    this.#placing = placing;
  }

  /** The view as parameters; returns the index of its first element. */
  tensor(name: string, view: View): string {
    this.#views.add(view);
    const type = arrayType(view.type.dtype, this.#placing.floats);
    this.#add(name, type, (naming, of) => naming.array(of(view)));
    if (this.#placing.start(view) === undefined) return "0";
    return this.#number(`${name}At`, (naming, of) => naming.start(of(view)));
  }

  /** Memory that only the step itself uses: its scratch. Returns the index of the first element. */
  scratch(name: string): string {
    this.#add(name, arrayType("f32", this.#placing.floats), (naming) => naming.scratch.array);
    return this.#number(`${name}At`, (naming) => naming.scratch.start);
  }

  /** A size or stride as a number. */
  size(name: string, size: Dim): string {
    return this.#number(name, (naming) => naming.size(size));
  }

  /** A number that is known now but differs from call to call, as an epsilon may. */
  number(name: string, value: string): string {
    return this.#number(name, () => value);
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
    return { kernel, args: this.#args, views: this.#views };
  }

  #number(name: string, value: Argument): string {
    this.#add(name, "number", value);
    return name;
  }

  #add(name: string, type: string, value: Argument): void {
    const parameter = `${name}«: ${type}»`;
    invariant(!this.#parameters.includes(parameter), `two parameters are called ${name}`);
    this.#parameters.push(parameter);
    this.#args.push(value);
  }
}
