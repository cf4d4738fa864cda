import type { Graph, Node, Value } from "../../ir/graph.ts";
import type { Loop, LoopClass } from "../../ir/roll/rolled.ts";
import { InternalError } from "../../support/invariant.ts";
import { symbolsOf } from "../../tensor/dim.ts";
import { Refused } from "../table.ts";
import { Body } from "./body.ts";
import { helperTexts, type HelperName } from "./helpers.ts";
import { attributesOf, describeClass, listText } from "./loops.ts";
import { Modules } from "./modules.ts";
import { OnceTexts } from "./once.ts";
import { dimsText, dimText, isName, variable } from "./python.ts";
import { torchTable } from "./ops/table.ts";
import type { EmittedLoop, Extras, FileForm, Shared, Signature } from "./shared.ts";
import type { Site } from "./site.ts";

/** Plain modules, as PyTorch's own. */
const plainForm: FileForm = {
  table: torchTable,
  base: "nn.Module",
  parameters: () => [],
  arguments: () => [],
  handed: [],
};

/** What all functions of an emitted file share: helpers, constants, classes. */
export class FileText implements Shared {
  readonly graph: Graph;
  readonly form: FileForm;
  readonly firstInput: string;
  readonly tied: ReadonlySet<Value>;
  /** What no variable may be called. */
  readonly names: Set<string>;
  /** What stands in the file once. */
  readonly once: OnceTexts;
  /** Of the model's own forward. */
  readonly topExtras: Extras = new Set();
  readonly #helpers = new Set<HelperName>();
  readonly #classes: string[] = [];
  readonly #classNames = new Set<string>();
  #usesGroups = false;

  constructor(graph: Graph, form = plainForm) {
    this.graph = graph;
    this.form = form;
    this.firstInput = variable(graph.inputs[0]?.name ?? "x");
    this.names = new Set(graph.symbols.map(({ name }) => name));
    this.once = new OnceTexts(this.names, () => this.#topSite());
    const tables = new Set(
      graph.nodes.flatMap((node) => (node.op === "embedding" ? [node.operands.table] : [])),
    );
    this.tied = new Set(
      graph.nodes.flatMap((node) =>
        node.op === "linear" && tables.has(node.operands.weight) ? [node.operands.weight] : [],
      ),
    );
  }

  helper(name: HelperName): string {
    this.#helpers.add(name);
    return name;
  }

  parameter({ type }: Pick<Value, "type">): string {
    return `nn.Parameter(torch.empty(${type.shape.length === 0 ? "()" : dimsText(type.shape)}))`;
  }

  /** The file's constants, helpers and classes, in the order in which they need each other. */
  texts(): readonly string[] {
    return [
      ...this.once.constantTexts(),
      ...(this.#usesGroups ? [group] : []),
      ...helperTexts(this.#helpers),
      ...this.#classes,
    ];
  }

  noteGroups(modules: Modules): void {
    this.#usesGroups ||= modules.usesGroups;
  }

  /** What the forward of a class calls what is the same in all iterations. */
  argumentNames(
    carried: readonly string[],
    invariants: readonly Value[],
    texts: readonly string[],
  ): readonly string[] {
    const taken = new Set([...carried, ...this.names]);
    return texts.map((text, at) => {
      const last = text.split(".").at(-1)!;
      const wanted = isName(text) ? text : variable(invariants[at]!.hint ?? last);
      let name = wanted;
      for (let other = 1; taken.has(name); other++) name = `${wanted}_${other}`;
      taken.add(name);
      return name;
    });
  }

  /** Writes the classes of a loop. */
  classes(loop: Loop, describe: (body: LoopClass, at: number) => Signature): EmittedLoop {
    if (loop.iterations.some(({ index }, at) => index !== at))
      throw new Refused("name", `${loop.label}, whose numbers do not count from 0`);
    const written = loop.classes.map((body, at) => this.#class(loop, body, at, describe(body, at)));
    const extras = this.#ordered(new Set(written.flatMap((each) => [...each.body.extras])));
    for (const each of written) this.#classes.push(each.finish(extras));
    return {
      list: listText(
        loop,
        written.map(({ name }) => name),
        this.form,
      ),
      extras,
    };
  }

  #ordered(extras: ReadonlySet<string>): readonly string[] {
    const symbols = this.graph.symbols.map(({ name }) => name);
    const order = [...symbols, ...this.once.hoistedNames, ...this.form.handed];
    return order.filter((name) => extras.has(name));
  }

  /** The text waits for the extras of the other classes, as all are called alike. */
  #class(loop: Loop, body: LoopClass, at: number, { given, names, returned }: Signature) {
    const modules = new Modules();
    const extras: Extras = new Set();
    const attributes = attributesOf(body);
    const varied = (node: Node, attribute: string): string | undefined =>
      body.variations.some((each) => each.node === node && each.attribute === attribute)
        ? `self.${attributes.find((each) => each.nodes.includes(node) && each.attribute === attribute)!.name}`
        : undefined;
    const written = new Body({
      file: this,
      graph: this.graph,
      modules,
      prefix: body.prefix,
      parts: body.parts,
      results: returned,
      extras,
      given,
      varied,
    });
    written.write("        ");
    const name = this.#className(loop, at);
    const finish = (all: readonly string[]): string => {
      const parameters = attributes.map((each) => each.name);
      const taken = [...this.form.parameters(body), ...parameters];
      const returns = returned.map((value) => written.read(value)).join(", ");
      const made = modules.lines();
      this.noteGroups(modules);
      const init = [
        `    def __init__(${["self", ...taken].join(", ")}):`,
        "        super().__init__()",
        ...parameters.map((each) => `        self.${each} = ${each}`),
        ...made,
        "",
      ];
      return [
        `class ${name}(${this.form.base}):`,
        `    """${describeClass(loop, body, at)}"""`,
        "",
        ...(made.length + taken.length === 0 ? [] : init),
        `    def forward(${["self", ...names, ...all].join(", ")}):`,
        ...written.lines,
        `        return ${returns}`,
      ].join("\n");
    };
    return { name, body: { extras }, finish };
  }

  /** `ModelLayer` of `model.layers`, `ModelLayer3` of those like the fourth. */
  #className({ label, classes, iterations }: Loop, at: number): string {
    const words = label.split(/[._]/).filter((part) => part !== "" && !/^\d+$/.test(part));
    const camel = words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join("") || "Layer";
    const single = camel.replace(/(?<=[a-z]{2})s$/, "");
    const wanted =
      classes.length === 1
        ? single
        : `${single}${iterations.findIndex((iteration) => iteration.class === at)}`;
    let name = wanted;
    for (let number = 1; this.#classNames.has(name); number++) name = `${wanted}_${number}`;
    this.#classNames.add(name);
    return name;
  }

  /** The classes of loops that are here by now. */
  get layerClasses(): readonly string[] {
    return [...this.#classNames];
  }

  /** A class name that no loop has. */
  freeClass(wanted: string): string {
    return this.#classNames.has(wanted) ? `${wanted}Model` : wanted;
  }

  #topSite(): Site {
    const never = (): never => {
      throw new InternalError("what is made once a forward reads no value");
    };
    return {
      read: never,
      atom: never,
      numberOf: never,
      isTied: never,
      producer: never,
      module: never,
      hoisted: never,
      part: never,
      handed: never,
      varied: never,
      dim: (size) => {
        for (const symbol of symbolsOf(size)) this.topExtras.add(symbol);
        return dimText(size);
      },
      dims: never,
      helper: (name) => this.helper(name),
      device: () => `${this.firstInput}.device`,
      constant: (name, values) => this.once.constant(name, values),
    };
  }
}

const group = `def group(**parts):
    """Layers under one part of a name; what they do stands in the forward that calls them."""
    module = nn.Module()
    for name, part in parts.items():
        setattr(module, name, part)
    return module`;
