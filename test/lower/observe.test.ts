import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { printGraph } from "../../src/ir/print.ts";
import type { File } from "../../src/language/ast.ts";
import type { Name } from "../../src/language/ast/expressions.ts";
import { parse } from "../../src/language/parse.ts";
import { lower, type LowerOptions } from "../../src/lower/lower.ts";
import { functions } from "../../src/lower/values/functions.ts";
import { initializers } from "../../src/lower/values/initializers.ts";
import { isPlacement } from "../../src/lower/values/kinds.ts";
import { showMeaning, type Meaning } from "../../src/lower/values/meaning.ts";
import type { TextMeaning } from "../../src/lower/names/observe.ts";
import { showPlace, spanText, type Span } from "../../src/support/source.ts";
import { showDim } from "../../src/tensor/dim.ts";
import { isDtype } from "../../src/tensor/dtype.ts";
import { showType } from "../../src/tensor/type.ts";

interface Told {
  readonly span: Span;
  readonly meaning: TextMeaning;
}

function observe(text: string, options: LowerOptions = {}): { readonly file: File; readonly told: Told[] } {
  const { file } = parse({ name: "m.lmg", text });
  const told: Told[] = [];
  lower(file, { ...options, observeText: (span, meaning) => told.push({ span, meaning }) });
  return { file, told };
}

const show = (meaning: Meaning | undefined): string => (meaning === undefined ? "?" : showMeaning(meaning));

function describeTold({ span, meaning }: Told): string {
  const text = spanText(span).replaceAll(/\s+/g, " ");
  const place = `${showPlace(span).replace("m.lmg:", "")} \`${text.length > 40 ? `${text.slice(0, 40)}…` : text}\``;
  return `${place} ${meaning.kind}: ${said(meaning)}`;
}

function said(meaning: TextMeaning): string {
  switch (meaning.kind) {
    case "reference": {
      const { definition, value } = meaning;
      return `${definition === undefined ? "of the language" : showPlace(definition)}, ${show(value)}`;
    }
    case "word":
      return meaning.words.join("|");
    case "definition":
    case "expression":
      return show(meaning.value);
    case "call":
      return `${meaning.callee}(${[...meaning.signature.keys()].join(", ")})`;
    case "argument":
      return `${meaning.callee}'s ${meaning.parameter}, ${meaning.of.name}: ${show(meaning.value)}`;
    case "layer":
      return `${meaning.label} gives ${show(meaning.out)}`;
    case "stream":
      return showType(meaning.type);
    case "parameter":
      return `${meaning.name} ${showType(meaning.value.type)}`;
    case "size":
      return showDim(meaning.size);
    case "norm":
      return `${meaning.norm.position} ${meaning.norm.kind} ${meaning.norm.label} of ${meaning.edge}`;
    case "edge":
      return `${meaning.edge.name}, ${meaning.edge.branches.join(" + ")}`;
    case "config":
      return `${meaning.parameter} = ${show(meaning.value)} by ${meaning.keys.join(", ")}`;
  }
}

const linesOf = (text: string, options?: LowerOptions): string =>
  `\n${observe(text, options).told.map(describeTold).join("\n")}\n`;

test("all that a small model's text means", () => {
  expect(
    linesOf(`model m(dim = 8, act: layer = gelu) {
  input x: f32[B, T <= 4 * dim, dim]
  wide = fc: linear(4 * dim, bias: false) -> act
  residual pre ln: layernorm { twice(2) -> down: linear(dim) }
  repeat 2 as h[i] {
    if i == 0 { relu as level } else { cast(bf16) -> cast(f32) }
  }
  stream + h[0].level
  same(ln)
  output y
}
block twice(by: int) {
  input x: [.., D]
  linear(by * D)
}`),
  ).toMatchInlineSnapshot(`
    "
    2:16 \`B\` definition: B
    2:16 \`B\` reference: m.lmg:2:16, B
    2:16 \`B\` size: B
    2:19 \`T\` definition: T
    2:19 \`T\` reference: m.lmg:2:19, T
    2:19 \`T <= 4 * dim\` size: T
    1:9 \`dim\` definition: 8
    2:28 \`dim\` reference: m.lmg:1:9, 8
    2:24 \`4 * dim\` expression: 32
    2:33 \`dim\` reference: m.lmg:1:9, 8
    2:33 \`dim\` size: 8
    2:9 \`x\` definition: f32[B, T, 8]
    2:3 \`input x: f32[B, T <= 4 * dim, dim]\` stream: f32[B, T, 8]
    3:14 \`linear\` reference: of the language, linear
    3:14 \`linear(4 * dim, bias: false)\` call: linear(n, bias, layout, init)
    3:25 \`dim\` reference: m.lmg:1:9, 8
    3:21 \`4 * dim\` expression: 32
    3:21 \`4 * dim\` argument: linear's n, count: 32
    3:30 \`bias\` reference: of the language, ?
    3:36 \`false\` reference: of the language, false
    3:30 \`bias: false\` argument: linear's bias, bool: false
    3:10 \`fc: linear(4 * dim, bias: false)\` parameter: fc.weight f32[32, 8]
    3:10 \`fc: linear(4 * dim, bias: false)\` layer: fc gives f32[B, T, 32]
    1:31 \`gelu\` reference: of the language, gelu
    1:18 \`act\` definition: gelu
    3:46 \`act\` reference: m.lmg:1:18, gelu
    3:46 \`act\` layer:  gives f32[B, T, 32]
    3:3 \`wide\` definition: f32[B, T, 32]
    3:3 \`wide = fc: linear(4 * dim, bias: false) …\` stream: f32[B, T, 8]
    4:12 \`pre\` word: pre|out|post|sandwich|none
    4:20 \`layernorm\` reference: of the language, layernorm
    4:16 \`ln: layernorm\` parameter: ln.weight f32[8]
    4:16 \`ln: layernorm\` parameter: ln.bias f32[8]
    4:16 \`ln: layernorm\` layer: ln gives f32[B, T, 8]
    4:16 \`ln: layernorm\` norm: pre layernorm ln of edge 0
    4:32 \`twice\` reference: m.lmg:12:7, twice
    4:32 \`twice(2)\` call: twice(by)
    4:38 \`2\` argument: twice's by, int: 2
    12:13 \`by\` definition: 2
    13:17 \`D\` definition: 8
    13:17 \`D\` reference: m.lmg:13:17, 8
    13:17 \`D\` size: 8
    13:9 \`x\` definition: f32[B, T, 8]
    13:3 \`input x: [.., D]\` stream: f32[B, T, 8]
    14:3 \`linear\` reference: of the language, linear
    14:3 \`linear(by * D)\` call: linear(n, bias, layout, init)
    14:10 \`by\` reference: m.lmg:12:13, 2
    14:15 \`D\` reference: m.lmg:13:17, 8
    14:10 \`by * D\` expression: 16
    14:10 \`by * D\` argument: linear's n, count: 16
    14:3 \`linear(by * D)\` parameter: twice.linear.weight f32[16, 8]
    14:3 \`linear(by * D)\` parameter: twice.linear.bias f32[16]
    14:3 \`linear(by * D)\` layer: twice.linear gives f32[B, T, 16]
    14:3 \`linear(by * D)\` stream: f32[B, T, 16]
    4:32 \`twice(2)\` layer: twice gives f32[B, T, 16]
    4:50 \`linear\` reference: of the language, linear
    4:50 \`linear(dim)\` call: linear(n, bias, layout, init)
    4:57 \`dim\` reference: m.lmg:1:9, 8
    4:57 \`dim\` argument: linear's n, count: 8
    4:44 \`down: linear(dim)\` parameter: down.weight f32[8, 16]
    4:44 \`down: linear(dim)\` parameter: down.bias f32[8]
    4:44 \`down: linear(dim)\` layer: down gives f32[B, T, 8]
    4:32 \`twice(2) -> down: linear(dim)\` stream: f32[B, T, 8]
    4:3 \`residual pre ln: layernorm { twice(2) ->…\` edge: edge 0, down
    4:3 \`residual pre ln: layernorm { twice(2) ->…\` stream: f32[B, T, 8]
    5:17 \`i\` definition: 0
    6:8 \`i\` reference: m.lmg:5:17, 0
    6:8 \`i == 0\` expression: true
    6:40 \`cast\` reference: of the language, ?
    6:54 \`cast\` reference: of the language, ?
    6:17 \`relu\` reference: of the language, relu
    6:17 \`relu\` layer: h.0 gives f32[B, T, 8]
    6:25 \`level\` definition: f32[B, T, 8]
    6:17 \`relu as level\` stream: f32[B, T, 8]
    6:5 \`if i == 0 { relu as level } else { cast(…\` stream: f32[B, T, 8]
    5:17 \`i\` definition: 1
    6:8 \`i\` reference: m.lmg:5:17, 1
    6:8 \`i == 0\` expression: false
    6:17 \`relu\` reference: of the language, ?
    6:40 \`cast\` reference: of the language, cast
    6:40 \`cast(bf16)\` call: cast(dtype)
    6:45 \`bf16\` word: f64|f32|f16|bf16|i64|i32|u32|i16|i8|u8|bool
    6:45 \`bf16\` argument: cast's dtype, dtype: bf16
    6:40 \`cast(bf16)\` layer: h.1 gives bf16[B, T, 8]
    6:54 \`cast\` reference: of the language, cast
    6:54 \`cast(f32)\` call: cast(dtype)
    6:59 \`f32\` word: f64|f32|f16|bf16|i64|i32|u32|i16|i8|u8|bool
    6:59 \`f32\` argument: cast's dtype, dtype: f32
    6:54 \`cast(f32)\` layer: h.1 gives f32[B, T, 8]
    6:40 \`cast(bf16) -> cast(f32)\` stream: f32[B, T, 8]
    6:5 \`if i == 0 { relu as level } else { cast(…\` stream: f32[B, T, 8]
    5:3 \`repeat 2 as h[i] { if i == 0 { relu as l…\` stream: f32[B, T, 8]
    8:3 \`stream\` reference: of the language, f32[B, T, 8]
    8:12 \`h\` reference: m.lmg:5:15, ?
    8:17 \`level\` reference: m.lmg:6:25, f32[B, T, 8]
    8:12 \`h[0].level\` expression: f32[B, T, 8]
    8:3 \`stream + h[0].level\` expression: f32[B, T, 8]
    8:3 \`stream + h[0].level\` stream: f32[B, T, 8]
    9:3 \`same\` reference: of the language, ?
    9:8 \`ln\` reference: m.lmg:4:16, ln
    9:3 \`same(ln)\` layer: ln gives f32[B, T, 8]
    9:3 \`same(ln)\` stream: f32[B, T, 8]
    10:10 \`y\` definition: f32[B, T, 8]
    10:3 \`output y\` stream: f32[B, T, 8]
    "
  `);
});

describe("observed are", () => {
  test("weights at the place that owns them, once for each iteration", () => {
    const { told } = observe(`model m {
  input x: f32[B, 4]
  repeat 2 as h { fc: linear(4, bias: false) }
}`);
    const weights = told.filter(({ meaning }) => meaning.kind === "parameter").map(describeTold);
    expect(weights).toEqual([
      "3:19 `fc: linear(4, bias: false)` parameter: h.0.fc.weight f32[4, 4]",
      "3:19 `fc: linear(4, bias: false)` parameter: h.1.fc.weight f32[4, 4]",
    ]);
  });

  test("values of a config, and the keys that say them", () => {
    const text = `model m(dim = 8, wide: int = 2 * dim) {
  config { dim = hidden; wide = 3 * hidden else inner.size }
  input x: f32[B, dim]
  linear(wide)
}`;
    const { told } = observe(text, { config: { hidden: 16 } });
    const lines = told.filter(({ meaning }) => meaning.kind === "config").map(describeTold);
    expect(lines).toEqual([
      "2:12 `dim = hidden` config: dim = 16 by hidden",
      "2:26 `wide = 3 * hidden else inner.size` config: wide = 48 by hidden",
    ]);
  });

  test("the parameters that a config section names, also without a config", () => {
    const { told } = observe("model m(dim = 8) { config { dim = hidden }; input x: f32[B, dim] }");
    const [first] = told.filter(({ meaning }) => meaning.kind === "reference").map(describeTold);
    expect(first).toBe("1:29 `dim` reference: m.lmg:1:9, ?");
  });

  test("what stands around a mistake, and the call in which it is", () => {
    const lines = linesOf(`model m(dim = 8) {
  input x: f32[B, dim]
  residual { fc: linear(dim, bais: false) }
  ln: layernorm
}`);
    expect(lines).toContain("`linear(dim, bais: false)` call: linear(n, bias, layout, init)");
    expect(lines).toContain("`dim` argument: linear's n, count: 8");
    expect(lines).toContain("`ln: layernorm` layer: ln gives f32[B, 8]");
    expect(lines).not.toContain("fc: linear(dim, bais: false)` layer");
  });

  test("names in branches that are not taken, their own among them", () => {
    const lines = linesOf(`model m(deep = false, dim = 8) {
  input x: f32[B, dim]
  if deep { inner = linear(dim); inner -> unknown } else { relu }
  gelu if deep and dim > 2 else x
}`);
    expect(lines).toContain("3:28 `dim` reference: m.lmg:1:23, ?");
    expect(lines).toContain("`inner` reference: m.lmg:3:13, ?");
    expect(lines).not.toContain("`unknown`");
  });

  test("nothing that changes the graph", () => {
    const text = readFileSync(new URL("../../examples/gpt2.lmg", import.meta.url), "utf8");
    const { file } = parse({ name: "gpt2.lmg", text });
    const options = { settings: { depth: 2, dim: 24 } };
    const plain = lower(file, options).model!.graph;
    const seen = lower(file, { ...options, observeText: () => undefined }).model!.graph;
    expect(printGraph(seen)).toBe(printGraph(plain));
  });
});

const folder = new URL("../../examples/", import.meta.url);

describe.each(readdirSync(folder).filter((name) => name.endsWith(".lmg")))("in examples/%s", (name) => {
  const { file, told } = observe(readFileSync(new URL(name, folder), "utf8"), { training: true });
  const known = new Map<number, TextMeaning[]>();
  for (const { span, meaning } of told)
    if (span.source === file.source) known.set(span.start, [...(known.get(span.start) ?? []), meaning]);

  test("every name that is read has its definition observed", () => {
    const reads = namesReadIn(file);
    expect(reads.length).toBeGreaterThan(3);
    const unknown = reads.filter(
      ({ text, span }) =>
        !(known.get(span.start) ?? []).some(
          (meaning) =>
            (meaning.kind === "reference" || meaning.kind === "word") &&
            // A label with dots is one name.
            (meaning.name === text || meaning.name.startsWith(`${text}.`)),
        ) && !isWord(text),
    );
    expect(unknown.map((each) => `${showPlace(each.span)} ${each.text}`)).toEqual([]);
  });

  test("every definition is the name, where it is bound", () => {
    for (const { span, meaning } of told)
      if (meaning.kind === "reference" && meaning.definition !== undefined) {
        expect(spanText(meaning.definition)).toBe(meaning.name);
        // Only a dim of a type is bound where it is read first.
        const isItself = meaning.definition.source === span.source && meaning.definition.start === span.start;
        expect(isItself && !/^[A-Z]/.test(meaning.name)).toBe(false);
      }
  });

  test("every span lies in its text", () => {
    expect(told.length).toBeGreaterThan(10);
    for (const { span, meaning } of told) {
      expect(span.start).toBeGreaterThanOrEqual(0);
      expect(span.end).toBeGreaterThan(span.start);
      expect(span.end).toBeLessThanOrEqual(span.source.text.length);
      if (meaning.kind === "reference" || meaning.kind === "definition")
        expect(spanText(span)).toBe(meaning.name);
    }
  });
});

/** Words that are told where they are evaluated, and here may stand in a branch that is not. */
const isWord = (name: string): boolean =>
  Object.hasOwn(functions, name) || Object.hasOwn(initializers, name) || isPlacement(name) || isDtype(name);

/** What paths begin with, anywhere in a file but for the keys of configs. */
function namesReadIn(file: File): readonly Name[] {
  const names: Name[] = [];
  const walk = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    if ("root" in node && "parts" in node) names.push(node.root as Name);
    if ("kind" in node && node.kind === "config") return;
    for (const [key, child] of Object.entries(node)) if (key !== "span") walk(child);
  };
  walk(file.definitions.map(({ parameters, body }) => [parameters, body.statements]));
  return names;
}
