import { InternalError } from "../../support/invariant.ts";

/** As much of Python's expressions as emitted files have. */
export type Expression =
  /** A name, a number, texts side by side. */
  | { readonly kind: "atom"; readonly text: string }
  | { readonly kind: "attribute"; readonly of: Expression; readonly name: string }
  | { readonly kind: "call"; readonly of: Expression; readonly items: Items }
  | { readonly kind: "subscript"; readonly of: Expression; readonly items: Items }
  /** A list, a set, a dict, a tuple in parentheses. */
  | { readonly kind: "collection"; readonly brackets: string; readonly items: Items }
  | { readonly kind: "parentheses"; readonly inner: Expression }
  /** `[x for x in xs]`; in parentheses of its own or of a call. */
  | {
      readonly kind: "comprehension";
      readonly brackets: string;
      readonly element: Expression;
      readonly clauses: readonly Clause[];
    }
  /** All operators that stand in no parentheses of their own, one after the other. */
  | {
      readonly kind: "operators";
      readonly operands: readonly Expression[];
      readonly operators: readonly string[];
    }
  | { readonly kind: "unary"; readonly operator: string; readonly of: Expression }
  | {
      readonly kind: "choice";
      readonly then: Expression;
      readonly condition: Expression;
      readonly otherwise: Expression;
    }
  | { readonly kind: "lambda"; readonly parameters: string; readonly body: Expression }
  /** `name=value`, `*values`, `key: value`. */
  | { readonly kind: "named"; readonly before: string; readonly of: Expression }
  | { readonly kind: "pair"; readonly key: Expression; readonly of: Expression }
  | { readonly kind: "slice"; readonly parts: readonly (Expression | undefined)[] }
  /** Without parentheses. */
  | { readonly kind: "tuple"; readonly items: readonly Expression[] };

export interface Items {
  readonly list: readonly Expression[];
  /** A comma after the last, which keeps each on a line of its own. */
  readonly comma: boolean;
}

export interface Clause {
  readonly word: "for" | "if";
  readonly targets: string;
  readonly of: Expression;
}

const token = new RegExp(
  `\\s*(?:${[
    // Texts, with what says how they are read in front.
    String.raw`(?:[rbf]|rb)?(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')`,
    String.raw`0x[\da-fA-F]+`,
    String.raw`\d[\d_]*(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+`,
    String.raw`[A-Za-z_]\w*`,
    String.raw`\.\.\.|:=|\*\*|\/\/|<<|>>|<=|>=|==|!=|->|[-+*/%@&|^~<>()[\]{},:.=]`,
  ].join("|")})`,
  "y",
);

/** The tokens of a text; undefined where there is something else, as a comment. */
export function tokensOf(text: string): readonly string[] | undefined {
  const tokens: string[] = [];
  token.lastIndex = 0;
  for (let at = 0; text.slice(at).trim() !== ""; at = token.lastIndex) {
    const found = token.exec(text);
    if (found === null) return undefined;
    tokens.push(found[0].trim());
  }
  return tokens;
}

/** How tightly operators of two sides bind; a higher one is computed first. */
const levels: Readonly<Record<string, number>> = {
  or: 1,
  and: 2,
  ...Object.fromEntries(
    ["in", "not in", "is", "is not", "<", "<=", ">", ">=", "==", "!="].map((each) => [each, 4]),
  ),
  "|": 5,
  "^": 6,
  "&": 7,
  "<<": 8,
  ">>": 8,
  "+": 9,
  "-": 9,
  "*": 10,
  "/": 10,
  "//": 10,
  "%": 10,
  "@": 10,
  "**": 12,
};

export const levelOf = (operator: string): number => levels[operator]!;

const closing: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

const words: ReadonlySet<string> = new Set("if else for in and or not is lambda".split(" "));

/** The expression of a text, which may be several without parentheses. */
export function parseExpression(tokens: readonly string[]): Expression {
  const parser = new Parser(tokens);
  const parsed = parser.tuple();
  parser.end();
  return parsed;
}

/** The parameters of a function, as the items of a call are. */
export function parseItems(tokens: readonly string[]): Items {
  const parser = new Parser([...tokens, ")"]);
  const items = parser.items(")");
  parser.end();
  return items;
}

class Parser {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  end(): void {
    if (this.#next !== undefined) throw new InternalError(`emitted Python is not read at ${this.#next}`);
  }

  get #next(): string | undefined {
    return this.#tokens[this.#at];
  }

  #isAtEnd(): boolean {
    return this.#at === this.#tokens.length;
  }

  #takes(wanted: string): boolean {
    if (this.#next !== wanted) return false;
    this.#at++;
    return true;
  }

  #expect(wanted: string): void {
    if (!this.#takes(wanted))
      throw new InternalError(`emitted Python has ${this.#next ?? "an end"} where ${wanted} is to be`);
  }

  tuple(): Expression {
    const first = this.#expression();
    if (this.#next !== ",") return first;
    const items = [first];
    while (this.#takes(",")) if (!this.#isAtEnd()) items.push(this.#expression());
    return { kind: "tuple", items };
  }

  /** Up to a bracket, which is taken. */
  items(end: string): Items {
    const list: Expression[] = [];
    let comma = false;
    while (!this.#takes(end)) {
      list.push(this.#item(end));
      comma = this.#takes(",");
    }
    return { list, comma };
  }

  #item(end: string): Expression {
    const name = this.#next!;
    if (name === "*" && [",", ")"].includes(this.#tokens[this.#at + 1] ?? "")) {
      this.#at++;
      return { kind: "atom", text: "*" };
    }
    if (end === ")" && this.#tokens[this.#at + 1] === "=") {
      this.#at += 2;
      return { kind: "named", before: `${name}=`, of: this.#expression() };
    }
    const first = end === "]" ? this.#slice() : this.#expression();
    const isPair = end === "}" && this.#takes(":");
    const found: Expression = isPair ? { kind: "pair", key: first, of: this.#expression() } : first;
    if (this.#next !== "for") return found;
    return { kind: "comprehension", brackets: "", element: found, clauses: this.#clauses() };
  }

  #slice(): Expression {
    const parts: (Expression | undefined)[] = [this.#sliceEnd()];
    while (this.#takes(":")) parts.push(this.#sliceEnd());
    return parts.length === 1 ? parts[0]! : { kind: "slice", parts };
  }

  #sliceEnd(): Expression | undefined {
    return [":", ",", "]"].includes(this.#next ?? "") ? undefined : this.#expression();
  }

  #clauses(): readonly Clause[] {
    const clauses: Clause[] = [];
    for (let word = this.#next; word === "for" || word === "if"; word = this.#next) {
      this.#at++;
      const targets: string[] = [];
      if (word === "for") {
        for (; this.#next !== "in"; this.#at++) targets.push(this.#next!);
        this.#expect("in");
      }
      clauses.push({
        word,
        targets: targets
          .join(" ")
          .replaceAll(" ,", ",")
          .replace(/\( | \)/g, (each) => each.trim()),
        of: this.#binary(1),
      });
    }
    return clauses;
  }

  #expression(): Expression {
    if (this.#next === "lambda") return this.#lambda();
    for (const star of ["**", "*"])
      if (this.#takes(star)) return { kind: "named", before: star, of: this.#expression() };
    const then = this.#binary(1);
    if (!this.#takes("if")) return then;
    const condition = this.#binary(1);
    this.#expect("else");
    return { kind: "choice", then, condition, otherwise: this.#expression() };
  }

  #lambda(): Expression {
    this.#expect("lambda");
    const parameters: string[] = [];
    for (; this.#next !== ":"; this.#at++) parameters.push(this.#next!);
    this.#expect(":");
    return {
      kind: "lambda",
      parameters: parameters.join(" ").replaceAll(" ,", ","),
      body: this.#expression(),
    };
  }

  #operator(): string | undefined {
    const [next, after] = [this.#next, this.#tokens[this.#at + 1]];
    if (next === "not" && after === "in") return "not in";
    if (next === "is" && after === "not") return "is not";
    return next !== undefined && Object.hasOwn(levels, next) ? next : undefined;
  }

  /** What its operators join, those that bind more tightly among them too. */
  #binary(least: number): Expression {
    const operands = [this.#unary()];
    const operators: string[] = [];
    for (
      let operator = this.#operator();
      operator !== undefined && levelOf(operator) >= least;
      operator = this.#operator()
    ) {
      this.#at += operator.split(" ").length;
      operators.push(operator);
      operands.push(this.#unary());
    }
    return operators.length === 0 ? operands[0]! : { kind: "operators", operands, operators };
  }

  #unary(): Expression {
    for (const operator of ["-", "~", "+"])
      if (this.#takes(operator)) return { kind: "unary", operator, of: this.#negated() };
    if (this.#takes("not")) return { kind: "unary", operator: "not ", of: this.#binary(4) };
    return this.#postfix();
  }

  /** A power binds more tightly than what stands before it. */
  #negated(): Expression {
    const of = this.#unary();
    if (!this.#takes("**")) return of;
    return { kind: "operators", operands: [of, this.#unary()], operators: ["**"] };
  }

  #postfix(): Expression {
    let found = this.#atom();
    for (;;)
      if (this.#takes(".")) found = { kind: "attribute", of: found, name: this.#tokens[this.#at++]! };
      else if (this.#takes("(")) found = { kind: "call", of: found, items: this.items(")") };
      else if (this.#takes("[")) found = { kind: "subscript", of: found, items: this.items("]") };
      else return found;
  }

  #atom(): Expression {
    const next = this.#tokens[this.#at++];
    if (next === undefined || words.has(next))
      throw new InternalError(`emitted Python has ${next ?? "an end"} for a value`);
    const end = closing[next];
    if (end === undefined) {
      if (!/^[A-Za-z_\d."']/.test(next)) throw new InternalError(`emitted Python has ${next} for a value`);
      const texts = [next];
      while (/["']$/.test(next) && /["']$/.test(this.#next ?? "")) texts.push(this.#tokens[this.#at++]!);
      return { kind: "atom", text: texts.join(" ") };
    }
    const items = this.items(end === "]" ? "]" : end);
    const brackets = next + end;
    const [only] = items.list;
    if (items.list.length === 1 && only!.kind === "comprehension" && only.brackets === "")
      return { ...only, brackets };
    return next === "(" && items.list.length === 1 && !items.comma
      ? { kind: "parentheses", inner: only! }
      : { kind: "collection", brackets, items };
  }
}
