import type { View } from "../../kernels/view.ts";
import type { Stage } from "../../plan/loops.ts";
import { invariant } from "../../support/invariant.ts";
import { dim, type Dim } from "../../tensor/dim.ts";
import { likenessOf, viewsOf } from "../module/likeness.ts";
import type { Names } from "../module/text.ts";
import { encodeModule, type ModuleFunction } from "./assembler/module.ts";
import { KernelWriter, PARAMETERS, type Kernel, type Phase, type Word } from "./kernel.ts";
import { Constants, machines, type Machine } from "./machine.ts";
import { writeRunner } from "./runner.ts";

export type MachineName = keyof typeof machines;

const machineNames = Object.keys(machines) as MachineName[];

/** What writes the kernel of a stage; `memoryOf` says of each view in which memory it begins, and where. */
export type KernelOf = (stage: Stage, k: KernelWriter, memoryOf: (view: View) => string) => Kernel;

/** A kernel of a module: the same for all steps that are alike but for what their records hold. */
export interface NamedKernel {
  readonly name: string;
  readonly doc: string;
  /** Where its phases stand in the table of functions: the first, and how many. */
  readonly first: number;
  readonly phases: number;
  readonly mayRefuse: boolean;
}

/** A stage as a call of its kernel. */
export interface KernelCall {
  readonly kernel: NamedKernel;
  /** The record, in the views of the stage. */
  readonly words: readonly Word[];
  /** Bytes of memory beside its tensors; the largest of each list. */
  readonly scratch: { readonly own: readonly Dim[]; readonly shared: readonly Dim[] };
}

/** A call that was written for the views of one stage. */
interface Template extends KernelCall {
  readonly views: readonly View[];
}

/** The kernels of a module, each once, in code for each machine. */
export class KernelTable {
  readonly kernels: NamedKernel[] = [];
  readonly #names: Names;
  readonly #kernelOf: KernelOf;
  /** All machines read one table. */
  readonly #constants = new Constants();
  readonly #known = new Map<string, NamedKernel>();
  readonly #templates = new Map<string, Template>();
  readonly #functions: Readonly<Record<MachineName, ModuleFunction[]>> = { relaxed: [], plain: [] };

  constructor(names: Names, kernelOf: KernelOf) {
    this.#names = names;
    this.#kernelOf = kernelOf;
  }

  /** The constants of the code, as they lie from CONSTANTS_AT on. */
  get constants(): Uint8Array {
    return this.#constants.bytes;
  }

  call(stage: Stage, memoryOf: (view: View) => string): KernelCall {
    const views = viewsOf(stage);
    const likeness = likenessOf(stage, views, { array: memoryOf, start: ({ offset }) => offset.key });
    const template = this.#templates.get(likeness) ?? this.#write(stage, likeness, views, memoryOf);
    const places = new Map(template.views.map((view, index) => [view, views[index]!]));
    const words = template.words.map((word) =>
      word.kind === "address" ? { ...word, view: places.get(word.view) ?? word.view } : word,
    );
    return { kernel: template.kernel, words, scratch: template.scratch };
  }

  /** A kernel of one phase that belongs to no step; the record of its calls is its own business. */
  add(name: string, doc: string, write: (machine: Machine) => Phase): NamedKernel {
    const scratch = { own: dim(0), shared: dim(0) };
    return this.#kernelFor(
      machineNames.map((machine) => {
        return { name, doc, phases: [write(machines[machine])], words: [], scratch };
      }),
    );
  }

  /** The module for a machine, as it imports memory that threads share. */
  encode(machine: MachineName, shared = true): Uint8Array<ArrayBuffer> {
    const phases = this.#functions[machine];
    const runner = writeRunner();
    return encodeModule({
      functions: [...phases, { signature: runner.signature, code: runner.encode(), exportName: "run" }],
      table: phases.map((_, index) => index),
      called: { parameters: PARAMETERS, results: [] },
      memory: { pages: 1, most: MOST_PAGES, shared },
      data: [],
    });
  }

  #write(stage: Stage, likeness: string, views: readonly View[], memoryOf: (view: View) => string): Template {
    const written = machineNames.map((name) => this.#writeFor(machines[name], stage, memoryOf));
    const [{ words }] = written as [Kernel];
    invariant(
      written.every((kernel) => sameWords(kernel.words, words)),
      `the machines' kernels of ${written[0]!.name} take different records`,
    );
    const scratch = {
      own: distinctDims(written.map((kernel) => kernel.scratch.own)),
      shared: distinctDims(written.map((kernel) => kernel.scratch.shared)),
    };
    const template = { kernel: this.#kernelFor(written), words, scratch, views };
    // A view that the kernel made for itself, such as a part of one, is this stage's own.
    if (words.every((word) => word.kind !== "address" || views.includes(word.view)))
      this.#templates.set(likeness, template);
    return template;
  }

  #writeFor(machine: Machine, stage: Stage, memoryOf: (view: View) => string): Kernel {
    return this.#kernelOf(stage, new KernelWriter({ machine, constants: this.#constants }), memoryOf);
  }

  /** Kernels of one name and the same code are one. */
  #kernelFor(written: readonly Kernel[]): NamedKernel {
    const [{ name, doc, phases }] = written as [Kernel];
    const codes = written.map((kernel) => kernel.phases.map((phase) => phase.encode()));
    invariant(
      codes.every(({ length }) => length === phases.length),
      `the machines' kernels of ${name} have different phases`,
    );
    const key = `${name}\n${codes.map((list) => list.join("\n")).join("\n")}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const mayRefuse = phases.some((phase) => phase.mayRefuse);
    const first = this.#functions.plain.length;
    const kernel = { name: this.#names.give(name), doc, first, phases: phases.length, mayRefuse };
    machineNames.forEach((machine, index) => {
      for (const code of codes[index]!)
        this.#functions[machine].push({ signature: phases[0]!.signature, code });
    });
    this.#known.set(key, kernel);
    this.kernels.push(kernel);
    return kernel;
  }
}

/** The dims but 0, each once. */
export const distinctDims = (dims: readonly Dim[]): readonly Dim[] => [
  ...new Map(dims.flatMap((each) => (each.key === "0" ? [] : [[each.key, each] as const]))).values(),
];

/** 4 GiB: all that an address of 32 bits reaches. */
export const MOST_PAGES = 65536;

const sameWords = (some: readonly Word[], others: readonly Word[]): boolean =>
  some.length === others.length && some.every((word, index) => keyOf(word) === keyOf(others[index]!));

function keyOf(word: Word): string {
  switch (word.kind) {
    case "address":
      return `${word.view.buffer} ${word.view.offset.key}`;
    case "size":
      return `size ${word.size.key}`;
    case "number":
      return `number ${word.value}`;
    default:
      return word.kind;
  }
}
