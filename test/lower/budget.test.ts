import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile.ts";
import { limits, type Resource } from "../../src/lower/frame/budget.ts";
import { showCount } from "../../src/support/text.ts";
import { graphOf, messages } from "./support.ts";

const lines = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => `  ${line(index)}`).join("\n");

const model = (body: string, rest = ""): string =>
  `model m(depth = 1) {\n  input x: f32[B, 4]\n${body}\n  tanh\n  output y\n}\n${rest}`;

/** Texts that ask for more than a machine has, each by another construct, and what they have too much of. */
const tooMuch: readonly (readonly [string, Resource, string])[] = [
  [
    "texts that double",
    "text",
    model(`  let a0 = "xxxxxxxx"\n${lines(40, (i) => `let a${i + 1} = "{a${i}}{a${i}}"`)}`),
  ],
  [
    "a text of an assertion that doubles",
    "text",
    model(
      `  let a0 = "xxxxxxxx"\n${lines(11, (i) => `let a${i + 1} = "{a${i}}{a${i}}"`)}\n  assert 1 == 2, "{a11}{a11}{a11}"`,
    ),
  ],
  [
    "lists that double",
    "parts",
    model(`  let a0 = [1]\n${lines(40, (i) => `let a${i + 1} = [a${i}, a${i}]`)}`),
  ],
  [
    "a list in a text",
    "parts",
    model(
      `  let a0 = [1, 2]\n${lines(60, (i) => `let a${i + 1} = [a${i}, a${i}]`)}\n  assert a60 == a59, "{a60}"`,
    ),
  ],
  [
    "layers that hold one another",
    "parts",
    model(
      `  let a0 = relu\n${lines(40, (i) => `let a${i + 1} = two(one: a${i}, other: a${i})`)}`,
      "block two(one: layer = none, other: layer = none) { input x: [..]; one; output y }",
    ),
  ],
  [
    "parts by the million",
    "values",
    model(`  input z: f32[B, 30000]\n${lines(2, (i) => `p${i} = (z -> split(30000)) -> concat(1)`)}`),
  ],
  ["layers by the million", "values", model("  repeat 99999 { relu -> tanh -> relu }")],
  ["parameters by the million", "values", model("  repeat 99999 as h { f: linear(4) }")],
  ["iterations by the million", "iterations", model("  repeat 1000 { repeat 1000 { let a = 1 } }")],
  ["iterations of a parameter", "iterations", model("  let n = 9007199254740991\n  repeat n { relu }")],
  [
    "expressions by the million",
    "steps",
    model(`  repeat 90000 { let a = ${Array.from({ length: 200 }, () => "1").join(" + ")} }`),
  ],
  [
    "comparisons of long lists",
    "steps",
    model(`  let a = [${"1, ".repeat(4000)}1]\n  repeat 90000 { assert a == a, "no" }`),
  ],
  [
    "blocks that call the next one twice",
    "calls",
    model(
      "  b0",
      `${lines(40, (i) => `block b${i} { input x: [..]; n: b${i + 1} -> m: b${i + 1}; output y }`)}\nblock b40 { input x: [..]; output x }`,
    ),
  ],
  [
    "blocks without nodes that call the next one three times",
    "calls",
    model(
      "  b0",
      `${lines(30, (i) => `block b${i} { input x: [..]; n: b${i + 1} -> m: b${i + 1} -> o: b${i + 1}; output y }`)}\nblock b30 { input x: [..]; output x }`,
    ),
  ],
  [
    "long labels around many layers",
    "characters",
    model(`  repeat 3 as ${"a".repeat(20000)} { repeat 30000 as ${"b".repeat(10000)} { relu } }`),
  ],
];

describe("a text that asks for more than a machine has is refused, and what grew is said", () => {
  test.each(tooMuch)("%s", (_, resource, text) => {
    const found = messages(text);
    const { code, most, says } = limits[resource];
    expect(found).toContain(`error[${code}]: ${says(showCount(most))}`);
    expect(found.length).toBeLessThan(4000);
  });
});

test("a split into more parts than a graph has values is refused before any is made", () => {
  const found = messages(model("  input z: f32[B, 9007199254740991]\n  p = z -> split(9007199254740991)"));
  expect(found).toContain(
    "`split`: the graph has more than 36,000 values: these are 9,007,199,254,740,991 parts",
  );
});

describe("at a limit a model is compiled, beyond it not", () => {
  test("of iterations", () => {
    const text = (count: number): string => model(`  repeat ${count} { let a = 1 }`);
    expect(messages(text(limits.iterations.most))).not.toContain("error");
    expect(messages(text(limits.iterations.most + 1))).toContain(limits.iterations.code);
  });

  test("of values, one for each node and each parameter", () => {
    const text = (count: number): string => model(`  repeat ${count} { relu }`);
    expect(graphOf(text(limits.values.most - 1)).nodes).toHaveLength(limits.values.most);
    expect(messages(text(limits.values.most))).toContain(limits.values.code);
  });

  test("of a text", () => {
    const text = (count: number): string => model(`  let a = "${"x".repeat(count / 2)}"\n  let b = "{a}{a}"`);
    expect(messages(text(limits.text.most))).not.toContain("error");
    expect(messages(text(limits.text.most + 2))).toContain(limits.text.code);
  });

  test("of a list, the list itself and what it holds", () => {
    const text = (count: number): string =>
      model(
        `  let a = [${Array.from({ length: 1023 }, () => "1").join(", ")}]\n  let b = [${"a, ".repeat(count)}]`,
      );
    expect(messages(text(31))).not.toContain("error");
    expect(messages(text(32))).toContain(limits.parts.code);
  });
});

describe("sizes", () => {
  const sizes = (dims: string, body = ""): string =>
    `model m {\n  input x: f32[${dims}]\n${body}\n  output y\n}`;

  test("are counted up to 2^53", () => {
    expect(messages(sizes("B, 9007199254740991"))).not.toContain("error");
    expect(messages(sizes("B, 94906265, 94906265"))).not.toContain("error");
    expect(messages(sizes("B, 94906267, 94906267"))).toContain("error[E416]");
    expect(messages(sizes("B, 9007199254740992"))).toContain("error");
    expect(messages(sizes("B, 3 * 3002399751580331"))).toContain("error");
  });

  test.each([
    ["a parameter", "B, 94906267", "  a: linear(94906267)"],
    ["a product", "B, 94906267", "  a = x -> unsqueeze(-1) -> expand(-1, 94906267)"],
    ["a sum", "B, 9007199254740990", "  (x, x) -> concat(1)"],
    ["a convolution", "B, 3, 2000000000, 2000000000", "  a: conv2d(4000000000, kernel: 3, padding: 1)"],
    ["a product of a dim", "B, T", "  let n = 94906267 * B\n  let k = n * 94906267"],
    ["a table", "B, 4", "  p: parameter([94906267, 94906267])"],
  ])("of %s beyond it are refused", (_, dims, body) => {
    expect(messages(sizes(dims, body))).toMatch(/error\[E4(14|16)\].*beyond 2\^53/);
  });

  test("that are formulas nobody would read are refused", () => {
    const letters = Array.from({ length: 20 }, (_, index) => `D${index}`);
    const squares = lines(12, (index) => `let p${index + 1} = p${index} * p${index}`);
    const many = sizes(letters.join(", "), `  let p0 = ${letters.join(" + ")}\n${squares}`);
    expect(messages(many)).toContain("its formula would have more than 2000 characters");
    const one = sizes("B", `  let p0 = B + 1\n${squares}`);
    expect(messages(one)).toMatch(/beyond 2\^53|more than 2000 characters/);
    const power = sizes("B", `  let p0 = B\n${squares}`);
    expect(messages(power)).toContain("its formula would have more than 2000 characters");
    const flat = sizes(
      letters
        .map((letter) => `${letter} + 1`)
        .join(", ")
        .replaceAll(/(D\d+) \+ 1/g, "$1"),
      "  flatten(0) -> flatten(0)",
    );
    expect(messages(flat)).not.toContain("error");
    const halves = sizes("B, 3, H, W", "  repeat 400 as c { conv2d(3, kernel: 3, stride: 2, padding: 1) }");
    expect(messages(halves)).toContain("its formula would have more than 2000 characters");
  });

  test("of a setting that is huge are refused as those of the text", () => {
    const source = {
      name: "m.lmg",
      text: "model m(dim = 4, depth = 1) { input x: f32[B, dim]; repeat depth { a: linear(dim) } ; output y }",
    };
    const said = (settings: Record<string, string>): string =>
      compile(source, { settings })
        .diagnostics.map(({ message }) => message)
        .join("\n");
    expect(said({ dim: "94906267" })).toContain("2^53");
    expect(said({ depth: "1000000000000" })).toContain("iterations");
    expect(said({ dim: "1e300" })).not.toBe("");
  });
});
