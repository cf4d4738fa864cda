import { layoutCode, type Code } from "../../support/text.ts";
import type { Call, KernelFunction, Naming } from "./call.ts";
import type { Placing } from "./placing.ts";
import type { HelperName } from "./helpers/table.ts";
import { sharedLoop } from "../loops/kernels/shared-loop.ts";
import { likenessOf, viewsOf } from "../module/likeness.ts";
import { printKernel } from "./print.ts";
import { callOf } from "./kernels/table.ts";
import type { View } from "../../kernels/view.ts";
import type { Stage } from "../../plan/loops.ts";
import type { Piece } from "../module/piece.ts";
import { WIDTH, wrapped, type Names } from "../module/text.ts";

/** The call of a step, or of a loop of several; tensors that begin at one place of one array are one there. */
const written = (stage: Stage, placing: Placing): Call =>
  "steps" in stage
    ? printKernel(
        sharedLoop(stage, (view) => `${placing.array(view)} ${placing.start(view) ?? ""}`),
        placing,
      )
    : callOf(stage, placing);

/** A kernel with the arguments of its call, as they were written for the views of one stage. */
interface Template {
  readonly name: string;
  readonly args: Call["args"];
  readonly views: readonly View[];
}

/** Stages as calls of kernels that have their names; what the arguments are called is said when the calls are written. */
export interface StageCall {
  readonly stage: Stage;
  readonly views: readonly View[];
  readonly template: Template;
}

/** The call as lines; `indent` is how deep they will stand. */
export function callLines({ views, template }: StageCall, naming: Naming, indent: number): Code[] {
  const places = new Map(template.views.map((view, index) => [view, views[index]!]));
  const args = template.args.map((arg) => arg(naming, (view) => places.get(view) ?? view));
  return wrapped(`${template.name}(`, args, ");", WIDTH - indent);
}

/** The kernels of a module, each once: two steps whose kernels have the same text call the same function. */
export class CallTable {
  readonly #names: Names;
  readonly #nameOf = new Map<string, string>();
  /** By the likeness of their stages, as layers are alike. */
  readonly #templates = new Map<string, Template>();
  readonly kernels: Piece[] = [];
  readonly helpers = new Set<HelperName>();

  /** `names` gives what the functions are called. */
  constructor(names: Names) {
    this.#names = names;
  }

  /** The kernel of a step, or of a loop of several, and its call. */
  call(stage: Stage, placing: Placing): StageCall {
    const views = viewsOf(stage);
    const likeness = likenessOf(stage, views, placing);
    const template = this.#templates.get(likeness) ?? this.#write(stage, likeness, views, placing);
    return { stage, views, template };
  }

  #write(stage: Stage, likeness: string, views: readonly View[], placing: Placing): Template {
    const { kernel, args, views: named } = written(stage, placing);
    const template = { name: this.#nameFor(kernel), args, views };
    // A view that the kernel made for itself, such as a part of one, is this stage's own.
    if ([...named].every((view) => views.includes(view))) this.#templates.set(likeness, template);
    return template;
  }

  #nameFor(kernel: KernelFunction): string {
    const key = `${kernel.name}(${kernel.parameters.join()})\n${layoutCode(kernel.body)}`;
    const known = this.#nameOf.get(key);
    if (known !== undefined) return known;
    const name = this.#names.give(kernel.name);
    this.#nameOf.set(key, name);
    for (const helper of kernel.helpers) this.helpers.add(helper);
    const head = wrapped(`function ${name}(`, kernel.parameters, ")«: void» {");
    const code = [...kernel.doc.map((line) => `/** ${line} */`), ...head, kernel.body, "}"];
    this.kernels.push({ declares: [name], code });
    return name;
  }
}
