import { describe, expect, test } from "vitest";
import type { Statement } from "../../src/language/ast.ts";
import type { Chain, Expression, LabelName, Layer, Path } from "../../src/language/ast/expressions.ts";
import { parse } from "../../src/language/parse.ts";
import { spanText } from "../../src/support/source.ts";
import { mistakesOf } from "./support.ts";

/** The statements of a model with this body. */
function statementsOf(body: string): readonly Statement[] {
  const { file, diagnostics } = parse({ name: "m", text: `model m {\n${body}\n}\n` });
  expect(diagnostics).toEqual([]);
  return file.definitions[0]!.body.statements;
}

/** The first statement, of a kind. */
function only<K extends Statement["kind"]>(kind: K, body: string): Extract<Statement, { kind: K }> {
  const [statement] = statementsOf(body);
  if (statement?.kind !== kind) throw new Error(`expected ${kind}, found ${String(statement?.kind)}`);
  return statement as Extract<Statement, { kind: K }>;
}

const shownPath = (path: Path): string =>
  path.root.text +
  path.parts
    .map((part) => (part.kind === "field" ? `.${part.name.text}` : `[${shown(part.value)}]`))
    .join("");

const shownLayer = ({ label, call }: Layer): string =>
  (label === undefined ? "" : `${shownLabel(label)}: `) + shown(call);

const shownLabel = (label: LabelName): string => ("parts" in label ? shown(label) : label.text);

function shownChain({ head, headTap, steps }: Chain): string {
  const parts = [
    head.kind === "layer" ? shownLayer(head) : shown(head),
    ...steps.map((step) => shownLayer(step.layer)),
  ];
  const taps = [headTap, ...steps.map((step) => step.tap)];
  return parts
    .map((part, index) => part + (taps[index] === undefined ? "" : ` as ${taps[index].name.text}`))
    .join(" -> ");
}

/** An expression with all of its parentheses. */
function shown(value: Expression): string {
  switch (value.kind) {
    case "number":
      return String(value.value);
    case "text":
      return value.parts
        .map((part) => (typeof part === "string" ? JSON.stringify(part) : `{${shown(part)}}`))
        .join("");
    case "list":
      return `[${value.items.map(shown).join(", ")}]`;
    case "made_list": {
      const range = [value.first, value.end].flatMap((each) => (each === undefined ? [] : [shown(each)]));
      return `[${shown(value.item)} for ${value.index.text} in ${range.join("..")}]`;
    }
    case "group":
      return `${value.tuple ? "tuple" : ""}(${value.chains.map(shownChain).join(", ")})`;
    case "call":
      return (
        shownPath(value.path) +
        (value.arguments === undefined
          ? ""
          : `(${value.arguments.map((given) => (given.name === undefined ? "" : `${given.name.text}: `) + shown(given.value)).join(", ")})`)
      );
    case "unary":
      return `(${value.operator} ${shown(value.operand)})`;
    case "binary":
      return `(${shown(value.left)} ${value.operator} ${shown(value.right)})`;
    case "conditional":
      return `(${shown(value.then)} if ${shown(value.condition)} else ${shown(value.otherwise)})`;
  }
}

describe("precedence", () => {
  test.each([
    ["a + b * c - d", "((a + (b * c)) - d)"],
    ["a / b / c % d", "(((a / b) / c) % d)"],
    ["a ^ b ^ c", "(a ^ (b ^ c))"],
    ["-a ^ 2 * b", "((- (a ^ 2)) * b)"],
    ["2 ^ -a ^ b", "(2 ^ (- (a ^ b)))"],
    ["- - a + b", "((- (- a)) + b)"],
    ["a + 1 < b * 2", "((a + 1) < (b * 2))"],
    ["not a == b and c or d", "(((not (a == b)) and c) or d)"],
    ["a or b and not c", "(a or (b and (not c)))"],
    ["a if b else c if d else e", "(a if b else (c if d else e))"],
    ["a + 1 if b > 2 else -c", "((a + 1) if (b > 2) else (- c))"],
    ["a - -1", "(a - (- 1))"],
  ])("%s", (text, expected) => {
    expect(shown(only("let", `let x = ${text}`).value)).toBe(expected);
  });
});

describe("lists", () => {
  test.each([
    ["[1, a + 2]", "[1, (a + 2)]"],
    ["[i ^ 2 for i in n]", "[(i ^ 2) for i in n]"],
    ["[a if i in b else c for i in 1..n + 1]", "[(a if (i in b) else c) for i in 1..(n + 1)]"],
    ["[[i * j for j in i] for i in 3]", "[[(i * j) for j in i] for i in 3]"],
    ["[for, for]", "[for, for]"],
  ])("%s", (text, expected) => {
    expect(shown(only("let", `let x = ${text}`).value)).toBe(expected);
  });
});

describe("chains", () => {
  test.each([
    ["a + b -> f", "(a + b) -> f"],
    ["x as y -> l.0.k: f(4, eps: 1e-5) as z", "x as y -> l.0.k: f(4, eps: 0.00001) as z"],
    ["(q -> f, k) -> g", "tuple(q -> f, k) -> g"],
    ["(q -> f) * 2 -> g", "((q -> f) * 2) -> g"],
    ["(a,) -> f", "tuple(a) -> f"],
    ["h[i - 1].attn -> same(if.dense)", "h[(i - 1)].attn -> same(if.dense)"],
    ["same(else)", "same(else)"],
  ])("%s", (text, expected) => {
    expect(shownChain(only("chain", text).chain)).toBe(expected);
  });

  test("a name of the language is a label where a label may stand", () => {
    const kinds = statementsOf(
      "input: f\noutput.dense: f\nif: f\nrepeat.0: f\nlet: f; train: f\nconfig -> f",
    ).map((s) => s.kind);
    expect(new Set(kinds)).toEqual(new Set(["chain"]));
  });
});

describe("statements", () => {
  test("a repeat may be checkpointed, which stands behind its count", () => {
    const marks = [
      "3",
      "3 checkpoint",
      "1..n checkpoint as h[i]",
      "n checkpoint shared",
      "checkpoint as h",
    ].map((header) => only("repeat", `repeat ${header} { f }`).checkpoint);
    expect(marks).toEqual([false, true, true, true, false]);
  });

  test("a repeat has a count or a range, and a label, an index, both or none", () => {
    const shapes = ["3", "3 as h", "3 as a.b[i]", "1..n as [i]", "3 shared", "3 shared [k]"].map((header) => {
      const { first, end, shared, label, index } = only("repeat", `repeat ${header} { f }`);
      return [first && shown(first), shown(end), shared, label && shownLabel(label), index?.text]
        .map(String)
        .join(" ");
    });
    expect(shapes).toEqual([
      "undefined 3 false undefined undefined",
      "undefined 3 false h undefined",
      "undefined 3 false a.b i",
      "1 n false undefined i",
      "undefined 3 true undefined undefined",
      "undefined 3 true undefined k",
    ]);
  });

  test("an edge keeps its clauses in order", () => {
    const edge = only(
      "residual",
      "residual pre ln: norm, from (a -> b), skip 2, branch g: scale -> tanh { f } as y",
    );
    expect(edge.clauses.map((clause) => `${clause.kind} ${spanText(clause.span)}`)).toEqual([
      "norm pre ln: norm",
      "from from (a -> b)",
      "skip skip 2",
      "branch branch g: scale -> tanh",
    ]);
    expect(edge.tap?.name.text).toBe("y");
  });

  test("an edge may say how large its branch begins, with a word that is free elsewhere", () => {
    const [clause] = only("residual", "residual init 1 / sqrt(n) { init: init(init) }").clauses;
    expect(clause?.kind === "init" && shown(clause.factor)).toBe("(1 / sqrt(n))");
  });

  test("a silence names lints", () => {
    expect(only("allow", "allow a, b").lints.map(({ text }) => text)).toEqual(["a", "b"]);
    expect(statementsOf("allow -> f; allow: f; allow = f; allow(f)").map(({ kind }) => kind)).toEqual([
      "chain",
      "chain",
      "bind",
      "chain",
    ]);
  });

  test("a dim has a bound, or is the rest", () => {
    const { type } = only("input", "input x: f32[.., T <= ctx + 1, 4]");
    expect(
      type.dims?.map((dim) =>
        dim.kind === "rest" ? ".." : `${shown(dim.value)} ${dim.bound ? shown(dim.bound) : "-"}`,
      ),
    ).toEqual(["..", "T (ctx + 1)", "4 -"]);
  });

  test("a text has its escapes resolved and its holes parsed", () => {
    const { message } = only("assert", 'assert a, "b {c + 1} \\"d\\" \\{e\\n"');
    expect(shown(message)).toBe('"b "{(c + 1)}" \\"d\\" {e\\n"');
  });

  test("braces, branches and bodies nest, and spans cover them from the first to the last character", () => {
    const [parallel] = statementsOf("parallel {\n  a\n  { b; c }\n} as z // end");
    expect(parallel && spanText(parallel.span)).toBe("parallel {\n  a\n  { b; c }\n} as z");
    expect(parallel?.kind === "parallel" && parallel.body.statements.map((s) => spanText(s.span))).toEqual([
      "a",
      "{ b; c }",
    ]);
  });
});

test("what can be parsed of a broken file is there", () => {
  const { file, diagnostics } = parse({
    name: "m",
    text: "model m {\n a\n b => c\n d\n}\nblock n {\n é\n e\n}\n",
  });
  expect(diagnostics.map((diagnostic) => diagnostic.code)).toEqual(["E120", "E107"]);
  expect(
    file.definitions.map((d) => [d.name.text, ...d.body.statements.map((s) => spanText(s.span))]),
  ).toEqual([
    ["m", "a", "d"],
    ["n", "e"],
  ]);
});

test("mistakes in a header do not hide those in its body", () => {
  expect(mistakesOf("repeat as h { residual pre a: b { x => y } }")).toMatchInlineSnapshot(`
    "m:2:10: error[E148]: \`repeat\` needs a count, found \`as\`
      2 |   repeat as h { residual pre a: b { x => y } }
        |          ^^
      help: write \`repeat 3 { … }\`, \`repeat 3 as label[i] { … }\` or \`repeat 2..6 as label[i] { … }\`
    m:2:39: error[E120]: an arrow is written \`->\`, not \`=>\`
      2 |   repeat as h { residual pre a: b { x => y } }
        |                                       ^^ write \`->\`"
  `);
});

test("a statement that was read before has the place where it stands now", () => {
  const placesOf = (name: string, text: string): readonly string[] =>
    parse({ name, text }).file.definitions[0]!.body.statements.map(
      ({ span }) => `${span.source.name} ${span.start} ${spanText(span)}`,
    );
  placesOf("a", "model m {\n  fc: linear(8)\n}\n");
  expect(placesOf("b", "model m {\n  relu\n    fc: linear(8)\n}\n")).toEqual([
    "b 12 relu",
    "b 21 fc: linear(8)",
  ]);
});
