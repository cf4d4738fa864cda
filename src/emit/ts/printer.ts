import { append } from "../../support/lists.ts";
import type { Code } from "../../support/text.ts";
import type { Dtype } from "../../tensor/dtype.ts";
import {
  arithmetic,
  atom,
  calling,
  comparing,
  operandText,
  ranks,
  type Written,
} from "../loops/expression.ts";
import {
  bodyOf,
  expressionsOf,
  within,
  type Expression,
  type Fold,
  type Load,
  type Name,
  type Statement,
  type Tensor,
  type Term,
} from "../loops/tree.ts";
import { refusals } from "../loops/refusals.ts";
import { block, sumText } from "../module/text.ts";
import type { Placing } from "./placing.ts";
import type { HelperName } from "./helpers/table.ts";
import { choice, notations, written } from "./scalar.ts";

const firstOf = {
  add: 0,
  max: -Infinity,
  min: Infinity,
  peak: -Infinity,
} as const satisfies Record<Fold, number>;
/** What whole numbers have for the infinities. */
const firstWhole = {
  add: 0,
  max: -2147483648,
  min: 2147483647,
  peak: -2147483648,
} as const satisfies Record<Fold, number>;

/** A total that has taken nothing in. */
const beginning = ({ name, type }: Name, fold: Fold): string =>
  `${name} = ${written((type === "whole" ? firstWhole : firstOf)[fold]).text}`;

/** Statements as lines of TypeScript. */
export class Printer {
  readonly helpers = new Set<HelperName>();
  readonly #floats: Placing["floats"];
  readonly #starts: ReadonlyMap<Tensor, string>;
  /** Names of the index that a tensor has after a term, in the block that is being printed and those around it. */
  readonly #bases = new Map<Term, string>();
  readonly #loads = new Map<Statement, readonly Load[]>();

  constructor({ floats }: Placing, starts: ReadonlyMap<Tensor, string>) {
    this.#floats = floats;
    this.#starts = starts;
  }

  /** The lines of a block; `scope` are the names that it may read. */
  statements(body: readonly Statement[], scope: ReadonlySet<Name>): Code[] {
    const known = new Set(scope);
    const lines: Code[] = this.#hoisted(body, known);
    body.forEach((statement, at) => {
      append(lines, this.#statement(statement, known));
      if (statement.kind === "let" || statement.kind === "total") known.add(statement.name);
      const mayHoist =
        statement.kind === "check" || (statement.kind === "let" && statement.name.type === "whole");
      if (mayHoist && body[at + 1]?.kind !== "check") append(lines, this.#hoisted(body.slice(at + 1), known));
    });
    return lines;
  }

  #statement(statement: Statement, scope: ReadonlySet<Name>): Code[] {
    switch (statement.kind) {
      case "let":
        return [`const ${statement.name.name} = ${this.#value(statement.value).text};`];
      case "total":
        return [`let ${beginning(statement.name, statement.fold)};`];
      case "restart":
        return [`${beginning(statement.total, statement.fold)};`];
      case "take":
        return [this.#take(statement.total.name, statement.fold, statement.value)];
      case "store":
        return [this.#store(statement.to, statement.value)];
      case "loop": {
        const { index, from, to, body } = statement;
        const [first, end] = [this.#value(from).text, operandText(this.#value(to), ranks.sum)];
        const head = `for (let ${index.name} = ${first}; ${index.name} < ${end}; ${index.name}++) {`;
        return block(head, this.statements(body, new Set([...scope, index])));
      }
      case "when":
        return block(
          `if (${this.#truth(statement.condition).text}) {`,
          this.statements(statement.body, scope),
        );
      case "check": {
        const [index, end] = [statement.index.name, this.#value(statement.end).text];
        return block(`if (!(${index} >= 0 && ${index} < ${end})) {`, [
          `throw new InputError(\`${refusals[statement.refusal](index, end)}\`);`,
        ]);
      }
      case "clear": {
        const from = this.#address(statement.from);
        const end = sumText(from, this.#value(statement.count).text);
        return [`${statement.from.tensor.name}.fill(0, ${from}, ${end});`];
      }
      case "table": {
        const { tensor, values } = statement;
        const made = values.every((value) => value === 0)
          ? `new Float64Array(${values.length})`
          : `[${values.map((value) => written(value).text).join(", ")}]`;
        return [`const ${tensor.name} = ${made};`];
      }
      case "note":
        return [`// ${statement.text}`];
    }
  }

  #take(total: string, fold: Fold, value: Expression): string {
    const text = this.#value(value).text;
    if (fold !== "add") return `${total} = Math.${fold === "min" ? "min" : "max"}(${total}, ${text});`;
    return text === "1" ? `${total}++;` : `${total} += ${text};`;
  }

  /** `x += y` where that is what is stored. */
  #store(to: Load, value: Expression): string {
    const place = this.#value(to).text;
    if (value.kind === "apply" && value.args[0] === to) {
      const operator = { add: "+=", sub: "-=", mul: "*=", div: "/=" }[value.op as string];
      if (operator !== undefined) return `${place} ${operator} ${this.#value(value.args[1]!).text};`;
    }
    return `${place} = ${this.#value(value).text};`;
  }

  #value(expression: Expression): Written {
    switch (expression.kind) {
      case "number":
        return written(expression.value);
      case "name":
        return atom(expression.name);
      case "load":
        return atom(`${expression.tensor.name}[${this.#address(expression)}]`);
      case "rounded":
        return this.#rounded(expression.dtype, expression.value);
      case "apply":
        return notations[expression.op].isTruth === true
          ? choice(this.#truth(expression), written(1), written(0))
          : this.#apply(expression);
    }
  }

  #truth(expression: Expression): Written {
    if (expression.kind === "apply" && notations[expression.op].isTruth === true)
      return this.#apply(expression);
    return comparing("!==", this.#value(expression), written(0));
  }

  #apply({ op, args }: Extract<Expression, { kind: "apply" }>): Written {
    const { write, helper, truths = 0 } = notations[op];
    if (helper !== undefined) this.helpers.add(helper);
    return write(args.map((arg, at) => (at < truths ? this.#truth(arg) : this.#value(arg))));
  }

  #rounded(dtype: Dtype, value: Expression): Written {
    const x = this.#value(value);
    const half = { f16: [10, -14, 65504], bf16: [7, -126, 3.3895313892515355e38] }[dtype as string];
    if (half !== undefined) {
      this.helpers.add("round_half");
      return calling("round_half", [x, ...half.map(written)]);
    }
    return dtype === "f32" && this.#floats === "f32" ? calling("Math.fround", [x]) : x;
  }

  /** The index of an element: from the nearest base that has a name. */
  #address({ tensor, terms }: Load): string {
    const from = terms.findLastIndex((term) => this.#bases.has(term));
    const start = from < 0 ? (this.#starts.get(tensor) ?? "0") : this.#bases.get(terms[from]!)!;
    return sumText(start, ...terms.slice(from + 1).map((term) => this.#term(term)));
  }

  #term({ index, stride }: Term): string {
    if (stride.kind === "number" && stride.value === 1) return operandText(this.#value(index), ranks.sum);
    return arithmetic("*", [this.#value(index), this.#value(stride)]).text;
  }

  /** The elements that a statement and those in it name. */
  #loadsIn(statement: Statement): readonly Load[] {
    const known = this.#loads.get(statement);
    if (known !== undefined) return known;
    const own = expressionsOf(statement)
      .flatMap(within)
      .filter((part) => part.kind === "load");
    const loads = [...own, ...bodyOf(statement).flatMap((each) => this.#loadsIn(each))];
    this.#loads.set(statement, loads);
    return loads;
  }

  /**
   * Lines that give a name to each index that stands still in the loops of a block: what a tensor's terms make as far as
   * their names are known, where there are terms of names that are not. In the order of the parameters.
   */
  #hoisted(body: readonly Statement[], scope: ReadonlySet<Name>): Code[] {
    const isKnown = ({ index, stride }: Term): boolean =>
      [index, stride].every((each) => within(each).every((part) => part.kind !== "name" || scope.has(part)));
    const lines = new Map<Tensor, string[]>([...this.#starts.keys()].map((tensor) => [tensor, []]));
    for (const place of body.flatMap((statement) => this.#loadsIn(statement))) {
      const open = place.terms.findIndex((term) => !isKnown(term));
      const last = place.terms[open - 1];
      if (last?.index.kind !== "name" || this.#bases.has(last)) continue;
      const { name } = last.index;
      const base = `${place.tensor.name}${name[0]!.toUpperCase()}${name.slice(1)}`;
      const index = this.#address({ ...place, terms: place.terms.slice(0, open) });
      lines.set(place.tensor, [...(lines.get(place.tensor) ?? []), `const ${base} = ${index};`]);
      this.#bases.set(last, base);
    }
    return [...lines.values()].flat();
  }
}
