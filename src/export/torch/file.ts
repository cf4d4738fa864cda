import type { Graph, Node, Value } from "../../ir/graph.ts";
import type { Loop, LoopClass } from "../../ir/roll/rolled.ts";
import { InternalError } from "../../support/invariant.ts";
import { plural } from "../../support/text.ts";
import { symbolsOf } from "../../tensor/dim.ts";
import { Refused } from "../table.ts";
import { Body } from "./body.ts";
import { helperTexts, type HelperName } from "./helpers.ts";
import { Modules } from "./modules.ts";
import { dimsText, dimText, fit, isName, literal, number, variable } from "./python.ts";
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
  /** Of the model's own forward. */
  readonly topExtras: Extras = new Set();
  readonly #helpers = new Set<HelperName>();
  readonly #constants = new Map<string, { readonly name: string; readonly values: readonly number[] }>();
  readonly #hoisted = new Map<string, string>();
  readonly #classes: string[] = [];
  readonly #classNames = new Set<string>();
  #usesGroups = false;

  constructor(graph: Graph, form = plainForm) {
    this.graph = graph;
    this.form = form;
    this.firstInput = variable(graph.inputs[0]?.name ?? "x");
    this.names = new Set(graph.symbols.map(({ name }) => name));
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

  constant(name: string, values: readonly number[]): string {
    const key = values.join();
    const known = this.#constants.get(key);
    if (known !== undefined) return known.name;
    const alike = [...this.#constants.values()].filter((each) => each.name.startsWith(name)).length;
    const made = alike === 0 ? name : `${name}_${alike}`;
    this.#constants.set(key, { name: made, values });
    return made;
  }

  /** Made at the beginning of the model's forward, once for equal texts. */
  hoisted(name: string, write: (top: Site) => string): string {
    const text = write(this.#topSite());
    const known = this.#hoisted.get(text);
    if (known !== undefined) return known;
    const alike = this.#hoisted.size;
    const made = alike === 0 ? name : `${name}_${alike}`;
    this.#hoisted.set(text, made);
    this.names.add(made);
    return made;
  }

  /** `rope = rotary(…)`, each once. */
  hoistedLines(indent: string): readonly string[] {
    return [...this.#hoisted].flatMap(([text, name]) => fit(`${name} = ${text}`, indent));
  }

  parameter({ type }: Pick<Value, "type">): string {
    return `nn.Parameter(torch.empty(${type.shape.length === 0 ? "()" : dimsText(type.shape)}))`;
  }

  /** The file's constants, helpers and classes, in the order in which they need each other. */
  texts(): readonly string[] {
    const constants = [...this.#constants.values()].flatMap(({ name, values }) =>
      fit(`${name} = (${values.map(number).join(", ")},)`, ""),
    );
    return [
      ...(constants.length === 0 ? [] : [constants.join("\n")]),
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
    const order = [...symbols, ...this.#hoisted.values(), ...this.form.handed];
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
        ...fit(`def forward(${["self", ...names, ...all].join(", ")}):`, "    "),
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
      constant: (name, values) => this.constant(name, values),
    };
  }
}

const group = `def group(**parts):
    """Layers under one part of a name; what they do stands in the forward that calls them."""
    module = nn.Module()
    for name, part in parts.items():
        setattr(module, name, part)
    return module`;

interface VariedAttribute {
  readonly name: string;
  readonly attribute: string;
  readonly nodes: readonly Node[];
  readonly values: readonly unknown[];
}

/** The attributes that vary, those of equal values as one. */
function attributesOf({ variations }: LoopClass): readonly VariedAttribute[] {
  const found = new Map<string, VariedAttribute>();
  for (const { node, attribute, values } of variations) {
    const key = `${attribute} ${values.map(literal).join()}`;
    const known = found.get(key);
    const others = [...found.values()].filter((each) => each.attribute === attribute).length;
    const name = others === 0 ? attribute : `${attribute}_${others}`;
    found.set(
      key,
      known === undefined
        ? { name, attribute, nodes: [node], values }
        : { ...known, nodes: [...known.nodes, node] },
    );
  }
  return [...found.values()];
}

function describeClass(loop: Loop, { nodes }: LoopClass, at: number): string {
  const edges = nodes.filter(({ op }) => op === "residual").length;
  const count = loop.iterations.length;
  const own = loop.iterations.flatMap((iteration, place) => (iteration.class === at ? [place] : []));
  const which =
    own.length === count
      ? "One iteration"
      : own.length === 1
        ? `Iteration ${own[0]!}`
        : `Iterations ${rangeText(own)}`;
  return `${which} of \`repeat ${count} as ${loop.label}\`: ${plural(edges, "residual edge")}.`;
}

/** `1 to 26`, `0, 2, 4` */
function rangeText(places: readonly number[]): string {
  const [first, last] = [places[0]!, places.at(-1)!];
  return last - first === places.length - 1 ? `${first} to ${last}` : places.join(", ");
}

/** `nn.ModuleList(ModelLayer() for _ in range(32))` */
function listText(loop: Loop, names: readonly string[], form: FileForm): string {
  const calls = loop.iterations.map((iteration, place) => {
    const body = loop.classes[iteration.class]!;
    const member = loop.iterations.slice(0, place).filter((other) => other.class === iteration.class).length;
    const given = attributesOf(body).map(({ name, values }) => `${name}=${literal(values[member])}`);
    return `${names[iteration.class]!}(${[...form.arguments(loop, body), ...given].join(", ")})`;
  });
  const [first] = calls as [string];
  const count = calls.length;
  const place = loop.classes.some((body) => form.arguments(loop, body).length > 0) ? "i" : "_";
  if (calls.every((call) => call === first)) return `nn.ModuleList(${first} for ${place} in range(${count}))`;
  return `nn.ModuleList(${byPlace(calls)} for i in range(${count}))`;
}

/** Most alternatives that are said one after the other. */
const MOST_ALTERNATIVES = 8;

/** An expression of `i` that is each text at its place: by a period, or by where it changes, or by a list. */
function byPlace(texts: readonly string[]): string {
  for (let period = 2; period <= Math.min(MOST_ALTERNATIVES, texts.length - 1); period++) {
    if (texts.some((text, at) => text !== texts[at % period])) continue;
    return chosen(texts.slice(0, period), (at) => `i % ${period} == ${at}`);
  }
  const changes = texts.flatMap((text, at) => (at > 0 && text !== texts[at - 1] ? [at] : []));
  if (changes.length > MOST_ALTERNATIVES) return `[${texts.join(", ")}][i]`;
  const parts = [0, ...changes].map((at) => texts[at]!);
  return chosen(parts, (at) => `i < ${changes[at]!}`);
}

function chosen(texts: readonly string[], condition: (at: number) => string): string {
  const [last] = texts.slice(-1) as [string];
  // Alternatives like the last need no condition of their own.
  const named = texts
    .slice(0, -1)
    .flatMap((text, at) =>
      text === last && isPeriod(condition) ? [] : [`${text} if ${condition(at)} else `],
    );
  return `${named.join("")}${last}`;
}

const isPeriod = (condition: (at: number) => string): boolean => condition(0).includes("%");
