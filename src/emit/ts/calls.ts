import { layoutCode, type Code } from "../../support/text.ts";
import type { Call, KernelFunction, Naming } from "./call.ts";
import type { HelperName } from "./helpers/table.ts";
import { sharedLoop } from "../loops/kernels/shared-loop.ts";
import { kernelPrinter } from "./print.ts";
import { callerOf } from "./kernels/table.ts";
import type { Step } from "../../plan/plan.ts";
import type { SharedLoop, Stage } from "../../plan/loops.ts";
import { WIDTH, wrapped, type Names } from "../module/text.ts";

/** Tensors that begin at one place of one array are one. */
const sharedCall = (loop: SharedLoop, naming: Naming): Call =>
  kernelPrinter(sharedLoop(loop, (view) => `${naming.array(view)} ${naming.start(view) ?? ""}`))(naming);

/** The kernels of a module, each once: two steps whose kernels have the same text call the same function. */
export class CallTable {
  readonly #names: Names;
  readonly #nameOf = new Map<string, string>();
  /** What writes each step, as the functions that call kernels are written several times. */
  readonly #callers = new Map<Step, (naming: Naming) => Call>();
  readonly kernels: (readonly Code[])[] = [];
  readonly helpers = new Set<HelperName>();

  /** `names` gives what the functions are called. */
  constructor(names: Names) {
    this.#names = names;
  }

  /** The call of a step or of a loop of several, as lines; `indent` is how deep they will stand. */
  call(stage: Stage, naming: Naming, indent: number): Code[] {
    const { kernel, args } = "steps" in stage ? sharedCall(stage, naming) : this.#callerOf(stage)(naming);
    return wrapped(`${this.#nameFor(kernel)}(`, args, ");", WIDTH - indent);
  }

  #callerOf(step: Step): (naming: Naming) => Call {
    const known = this.#callers.get(step) ?? callerOf(step);
    this.#callers.set(step, known);
    return known;
  }

  #nameFor(kernel: KernelFunction): string {
    const key = `${kernel.name}(${kernel.parameters.join()})\n${layoutCode(kernel.body)}`;
    const known = this.#nameOf.get(key);
    if (known !== undefined) return known;
    const name = this.#names.give(kernel.name);
    this.#nameOf.set(key, name);
    for (const helper of kernel.helpers) this.helpers.add(helper);
    const head = wrapped(`function ${name}(`, kernel.parameters, ")«: void» {");
    this.kernels.push([...kernel.doc.map((line) => `/** ${line} */`), ...head, kernel.body, "}"]);
    return name;
  }
}
