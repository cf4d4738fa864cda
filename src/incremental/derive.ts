import type { Graph, Input, Node, Output, Value } from "../ir/graph.ts";
import { invariant } from "../support/invariant.ts";
import { Builder } from "./builder.ts";
import { isCoreNode } from "./facts/along.ts";
import type { Forms, Need } from "./forms.ts";
import { keptRecipe, knownRecipe } from "./kept.ts";
import { keyOf, type Form, type Letter } from "./letters.ts";
import { Refusal } from "./refusal.ts";
import type { Recipe } from "./rules/rule.ts";
import { ruleOf } from "./rules/table.ts";
import type { StateNames } from "./states.ts";

/** The derived graph without its declarations of sizes. */
export interface Derived {
  readonly builder: Builder;
  readonly outputs: readonly Output[];
  /** Values of the model that stay as the text grows, which the part `encode` makes. */
  readonly context: ReadonlySet<Value>;
}

/**
 * Makes the outputs of a graph for the new positions, of which it gives those of the letter. A walk backward finds in which
 * forms each value is needed, as all of its readers come after it; a walk forward makes them. Linear in the graph.
 *
 * @throws Refusal
 */
export function derive(
  graph: Graph,
  outputs: readonly Output[],
  letter: Letter,
  forms: Forms,
  names: StateNames,
): Derived {
  const demand = new Demand(graph, forms);
  const wanted = outputs.map((output) => ({ output, need: forms.allIn(output.value, letter) }));
  for (const { need } of wanted) {
    demand.ask(need, undefined);
    requireRows(need.value, forms);
  }
  const orders = demand.settle();
  const builder = new Builder(forms.sizes, names);
  const making = new Making(builder, graph);
  for (const order of orders) making.make(order);
  const made = wanted.map(({ output, need }) => ({ ...output, value: making.of(need) }));
  return { builder, outputs: made, context: demand.context };
}

/** An output has one row for each position, or is of the newest. */
function requireRows(value: Value, forms: Forms): void {
  const runs = [...forms.factOf(value).axes.values()];
  const isOfText = runs.every((run) => run.kind === "rows" && run.lead === 0 && run.trail === 0);
  if (!isOfText || runs.length > 1) throw new Refusal("output_rows", forms.producerOf(value));
}

/** Values of the model in a form, and how they are made. */
interface Order {
  readonly values: readonly Value[];
  readonly form: Form;
  readonly node: Node | undefined;
  readonly recipe: Recipe;
}

/** What makes some values of the model: a node, or a caller. */
type Maker = { readonly node: Node } | { readonly input: Input };

/** The walk backward. */
class Demand {
  /** Values that are read as states. */
  readonly context = new Set<Value>();
  readonly #graph: Graph;
  readonly #forms: Forms;
  readonly #asked = new Map<Value, Map<string, Form>>();

  constructor(graph: Graph, forms: Forms) {
    this.#graph = graph;
    this.#forms = forms;
  }

  ask(need: Need, reader: Node | undefined): void {
    this.#forms.check(need, reader);
    const known = this.#asked.get(need.value);
    if (known === undefined) this.#asked.set(need.value, new Map([[keyOf(need.form), need.form]]));
    else known.set(keyOf(need.form), need.form);
  }

  /** All that is to be made, in an order in which it can be. */
  settle(): Order[] {
    const { nodes, inputs } = this.#graph;
    const ofNodes = nodes.toReversed().map((node) => this.#settle(node.results, { node }));
    const ofInputs = inputs.map((input) => this.#settle([input.value], { input }));
    return [...ofInputs, ...ofNodes.reverse()].flat();
  }

  /**
   * The forms in which values are needed. Some are cut from the new rows of the same value: the newest row is, where these
   * are needed anyway. So the newest is settled after all others, and then the new rows for which it asked.
   */
  #settle(values: readonly Value[], maker: Maker): Order[] {
    const [whole, parts]: [Order[], Order[]] = [[], []];
    const done = new Set<string>();
    for (const isNewest of [false, true, false])
      for (const [index, value] of values.entries())
        for (const [key, form] of this.#asked.get(value) ?? []) {
          const own = `${index} ${key}`;
          if (form.includes("L") !== isNewest || done.has(own)) continue;
          done.add(own);
          const order = this.#order({ value, form }, values, maker);
          const isOwn = order.recipe.needs.some((need) => values.includes(need.value));
          for (const need of order.recipe.needs) this.ask(need, order.node);
          if (order.values === values) values.forEach((_, at) => done.add(`${at} ${key}`));
          (isOwn ? parts : whole).push(order);
        }
    return [...whole, ...parts];
  }

  #order(need: Need, values: readonly Value[], maker: Maker): Order {
    const { value, form } = need;
    const forms = this.#forms;
    const { known, reach } = forms.factOf(value);
    const node = "node" in maker ? maker.node : undefined;
    const one = (recipe: Recipe): Order => ({ values: [value], form, node, recipe });
    if (known !== undefined) return one(knownRecipe(need, known, forms));
    if (reach.context && !reach.tokens && !reach.length) return one(this.#contextRecipe(value));
    const kept = keptRecipe(need, node, forms, (other) => this.#asked.get(value)?.has(keyOf(other)) === true);
    if (kept !== undefined) return one(kept);
    if ("input" in maker) return one(inputRecipe(maker.input, need, forms));
    if (!isCoreNode(maker.node)) throw new Refusal("not_core", maker.node);
    return { values, form, node, recipe: ruleOf(maker.node)(form, forms) };
  }

  #contextRecipe(value: Value): Recipe {
    this.context.add(value);
    return { needs: [], make: (_, build) => [build.context(value)] };
  }
}

/** An input gives its rows of the new positions, a mask of the caller those of new queries and all keys. */
const inputRecipe = (input: Input, need: Need, forms: Forms): Recipe => ({
  needs: [],
  make: (_, build) => [build.input(input, forms.shapeOf(need))],
});

/** The walk forward. */
class Making {
  readonly #builder: Builder;
  readonly #parameters: ReadonlySet<Value>;
  readonly #made = new Map<Value, Map<string, Value>>();

  constructor(builder: Builder, { parameters }: Graph) {
    this.#builder = builder;
    this.#parameters = new Set(parameters.map(({ value }) => value));
  }

  of({ value, form }: Need): Value {
    if (this.#parameters.has(value)) return value;
    const made = this.#made.get(value)?.get(keyOf(form));
    invariant(made !== undefined, "a derived value is read before it is made");
    return made;
  }

  make({ values, form, node, recipe }: Order): void {
    if (node !== undefined) this.#builder.origin = node.origin;
    const made = recipe.make(
      recipe.needs.map((need) => this.of(need)),
      this.#builder,
    );
    invariant(made.length === values.length, "a rule makes all results of its node");
    for (const [index, value] of values.entries()) {
      const known = this.#made.get(value);
      if (known === undefined) this.#made.set(value, new Map([[keyOf(form), made[index]!]]));
      else known.set(keyOf(form), made[index]!);
    }
  }
}
