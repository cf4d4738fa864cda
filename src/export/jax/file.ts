import type { Graph, Node, Value } from "../../ir/graph.ts";
import { publishedNames } from "../../ir/stacks.ts";
import { isLoop, type Loop, type LoopClass, type RolledPart } from "../../ir/roll/rolled.ts";
import { InternalError } from "../../support/invariant.ts";
import { symbolsOf } from "../../tensor/dim.ts";
import { OnceTexts } from "../torch/once.ts";
import { dimText } from "../torch/python.ts";
import { Body } from "./body.ts";
import { helperTexts, type HelperName } from "./helpers.ts";
import { variable } from "./names.ts";
import type { LayerFunction, Shared } from "./shared.ts";
import type { Site } from "./site.ts";

/** What all functions of an emitted file share: helpers, constants, functions of layers, how parameters are called. */
export class FileText implements Shared {
  readonly graph: Graph;
  /** What no variable may be called. */
  readonly names: Set<string>;
  /** What stands in the file once. */
  readonly once: OnceTexts<Site>;
  readonly #stacked: ReadonlySet<Loop>;
  readonly #parameters: ReadonlyMap<Value, string>;
  readonly #known: ReadonlySet<string>;
  readonly #producers: ReadonlyMap<Value, Node>;
  readonly #helpers = new Set<HelperName>();
  readonly #texts: string[] = [];
  readonly #written = new Map<Loop, readonly LayerFunction[]>();
  #draws = 0;

  constructor(graph: Graph, parts: readonly RolledPart[]) {
    this.graph = graph;
    this.names = new Set(graph.symbols.map(({ name }) => name));
    this.once = new OnceTexts(this.names, () => this.#topSite());
    this.#stacked = new Set(parts.filter((part): part is Loop => isLoop(part) && isScanned(part)));
    this.#parameters = new Map(graph.parameters.map(({ value, name }) => [value, name]));
    this.#known = new Set(graph.parameters.flatMap(publishedNames));
    this.#producers = new Map(
      graph.nodes.flatMap((node) => node.results.map((value) => [value, node] as const)),
    );
  }

  parameterName = (value: Value): string | undefined => this.#parameters.get(value);
  producer = (value: Value): Node | undefined => this.#producers.get(value);
  isStacked = (loop: Loop): boolean => this.#stacked.has(loop);
  draw = (): number => this.#draws++;

  /** The labels of stacked repeats, and how many layers each has. */
  get stacks(): readonly (readonly [string, number])[] {
    return [...this.#stacked].map(({ label, iterations }) => [label, iterations.length]);
  }

  /** `model.layers.*.mlp.up_proj.weight` of a layer whose parameters are stacked: all layers have it. */
  keyOf(name: string): string {
    for (const { label, iterations } of this.#stacked) {
      const rest = /^\d+\.(.*)$/.exec(name.slice(label.length + 1))?.[1];
      if (!name.startsWith(`${label}.`) || rest === undefined) continue;
      const isOfAll = iterations.every((_, at) => this.#known.has(`${label}.${at}.${rest}`));
      if (isOfAll) return `${label}.*.${rest}`;
    }
    return name;
  }

  helper(name: HelperName): HelperName {
    this.#helpers.add(name);
    return name;
  }

  /** Sizes that what is made once needs. */
  readonly topSizes = new Set<string>();

  texts(): readonly string[] {
    return [...this.once.constantTexts(), ...helperTexts(this.#helpers), ...this.#texts];
  }

  /** A function for each body of a loop, which all of its calls share. */
  functions(loop: Loop, around: string): readonly LayerFunction[] {
    const known = this.#written.get(loop);
    if (known !== undefined) return known;
    const written = loop.classes.map((body, at) => this.#function(loop, body, at, around));
    this.#written.set(loop, written);
    return written;
  }

  #function(loop: Loop, body: LoopClass, at: number, around: string): LayerFunction {
    const wiring = this.isStacked(loop) ? loop.chain!.wiring[at]! : undefined;
    const lanes = loop.chain?.lanes ?? [];
    const inputs =
      wiring === undefined
        ? body.inputs
        : [
            ...lanes.map(
              (_, lane) => body.inputs[wiring.findIndex((wire) => "lane" in wire && wire.lane === lane)]!,
            ),
            ...loop.chain!.invariants.map(
              (_, place) =>
                body.inputs[wiring.findIndex((wire) => "invariant" in wire && wire.invariant === place)]!,
            ),
          ];
    const outputs =
      wiring === undefined ? body.outputs : lanes.map((lane) => body.outputs[lane.outputs[at]!]!);
    const given = new Map<Value, string>();
    const taken = new Set(this.names);
    for (const [place, value] of inputs.entries()) {
      const wanted =
        place < lanes.length && lanes.length === 1 ? "x" : variable(value.hint ?? `input_${place}`);
      let name = wanted;
      for (let other = 1; taken.has(name); other++) name = `${wanted}_${other}`;
      taken.add(name);
      given.set(value, name);
    }
    const written = new Body({
      file: this,
      // Rounds that share their parameters read those of what is around them.
      prefix: loop.shared ? around : body.prefix,
      own: "p",
      parts: body.parts,
      results: outputs,
      given,
    });
    written.write("    ");
    const extras = [...written.extras];
    const name = this.#functionName(loop, at);
    const returned = outputs.map((value) => written.read(value)).join(", ");
    this.#texts.push(
      [
        `def ${name}(${[...given.values(), "p", ...extras].join(", ")}):`,
        `    """One layer of \`${loop.label}\`."""`,
        ...written.lines,
        `    return ${returned}`,
      ].join("\n"),
    );
    return { name, extras };
  }

  #functionName({ label, classes }: Loop, at: number): string {
    const words = label.split(/[._]/).filter((part) => part !== "" && !/^\d+$/.test(part));
    const plain = variable(`${(words.join("_") || "layer").replace(/(?<=[a-z]{2})s$/, "")}_layer`);
    const wanted = classes.length === 1 ? plain : `${plain}_${at}`;
    let name = wanted;
    for (let other = 1; this.names.has(name); other++) name = `${wanted}_${other}`;
    this.names.add(name);
    return name;
  }

  #topSite(): Site {
    const never = (): never => {
      throw new InternalError("what is made once a forward reads no value");
    };
    return {
      read: never,
      atom: never,
      dims: never,
      hoisted: never,
      key: never,
      draw: never,
      producer: never,
      dim: (size) => {
        for (const symbol of symbolsOf(size)) this.topSizes.add(symbol);
        return dimText(size);
      },
      helper: (name) => this.helper(name),
      constant: (name, values) => this.once.constant(name, values),
    };
  }
}

/** Layers of one body, counted from 0, each of which reads the one before it. */
const isScanned = ({ chain, classes, shared, iterations }: Loop): boolean =>
  chain !== undefined && !shared && classes.length === 1 && iterations.every(({ index }, at) => index === at);
