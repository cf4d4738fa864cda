import { describe, expect, test } from "vitest";
import {
  difference,
  graphOf,
  lowerText,
  mistakes,
  modelOf,
  opsOf,
  outputOf,
  parameterNames,
} from "./support.ts";

/** A compile-time expression's value, read from a hole of a parameter's text. */
function valueOf(expression: string, parameters = ""): string {
  const text = `model m(${parameters}shown = "{${expression}}") { input x: f32[B, T, 8]; output y }`;
  return modelOf(text).parameters.at(-1)!.value;
}

const model = (body: string, more = ""): string =>
  `model m {\n  input x: f32[B, T, 8]\n${body}\n  output y\n}\n${more}`;

describe("arithmetic before the model runs", () => {
  test.each([
    ["1 + 2 * 3", "7"],
    ["2 ^ 3 ^ 2", "512"],
    ["-2 ^ 2", "-4"],
    ["7 % 3 - -1", "2"],
    // The sign of the divisor, as in Python.
    ["-7 % 3", "2"],
    ["7 / 2", "3.5"],
    ["div(7, 2)", "3"],
    ["div(-7, 2)", "-4"],
    ["floor(2.75) + round(2.5) + abs(-3)", "8"],
    ["min(3, 1, 2) + max(4, 5)", "6"],
    ["sqrt(16) + log(exp(2))", "6"],
    // bfloat16 has 8 bits: 2304 ^ 0.5 = 48 is exact, 3584 ^ 0.5 = 59.866… lies between 59.75 and 60.
    ["round(sqrt(2304), bf16)", "48"],
    ["round(sqrt(3584), bf16)", "59.75"],
    ["1 < 2 and not (2 < 1) or false", "true"],
    ["3 if 1 == 2 else 4", "4"],
    ["[1, 2, 3][1] == 2", "true"],
    ["count([4, [5, 6], 7]) + count([])", "3"],
    ["none == none", "true"],
    ["3 in [1, 2, 3] and not (4 in [1])", "true"],
    ["[1] in [[1], [2]]", "true"],
    ["none in [1, 2]", "false"],
    ["[1, [2]] == [1, [2]]", "true"],
    ["[2 * i for i in 4]", "[0, 2, 4, 6]"],
    ["[i for i in 2..5]", "[2, 3, 4]"],
    ["count([i for i in 0])", "0"],
    // The index of the list outside is hidden inside, and is there again behind.
    ["[[i + count([i for i in 3]), i] for i in 2]", "[[3, 0], [4, 1]]"],
  ])("%s is %s", (expression, value) => {
    const usesIndex = expression.startsWith("[1, 2, 3]");
    expect(usesIndex ? valueOf("k[1] == 2", "k = [1, 2, 3], ") : valueOf(expression)).toBe(value);
  });

  test("the index of a list hides what has its name, and is known in the list alone", () => {
    expect(valueOf("[i + 1 for i in 2] == [1, 2] and i == 7", "i = 7, ")).toBe("true");
    expect(mistakes("  let k = [i for i in 3]\n  stream * i")).toContain("i");
  });

  test("the side that decides keeps the other from being looked at", () => {
    expect(valueOf("false and 1 / 0 > 1")).toBe("false");
    expect(valueOf("true or 1 / 0 > 1")).toBe("true");
  });
});

test("hundreds of defaults that need each other in a row are refused, not a crash", () => {
  const parameters = Array.from({ length: 700 }, (_, i) => `a${i}: int = a${i + 1}`).join(", ");
  const { diagnostics } = lowerText(`model m(${parameters}, a700 = 1) { input x: f32[B]; output y }`);
  expect(diagnostics.map(({ code }) => code)).toEqual(["E309"]);
});

test("a thousand parameters whose kinds follow from each other are told apart in a row", () => {
  const parameters = Array.from({ length: 1_000 }, (_, i) => `a${i + 1} = a${i}`).join(", ");
  const text = `model m(a0 = 1, ${parameters}) { input x: f32[B]; output y }`;
  expect(modelOf(text, { settings: { a999: 7 } }).parameters.at(-1)!.value).toBe("7");
  expect(lowerText(text, { settings: { a999: "1.5" } }).diagnostics.map(({ code }) => code)).toEqual([
    "E306",
  ]);
});

describe("sizes of the run", () => {
  test("are polynomials: equal sizes are equal however they are written", () => {
    const graph = graphOf(model("reshape([T * B, 4 + 4]) -> reshape([B, 2 * T / 2, 8]) as z: [B, T, 8]"));
    expect(opsOf(graph)).toEqual(["reshape", "reshape"]);
  });

  test("split exactly, or by `div`", () => {
    const graph = graphOf(model("reshape([B, T * 8]) -> slice(0, end: div(T, 2)) as z: [B, div(T, 2)]"));
    expect(graph.outputs[0]!.value.type.shape.map(({ key }) => key)).toEqual(["B", "div(T, 2)"]);
  });
});

describe("arithmetic on tensors", () => {
  test("broadcasts, and a number takes the tensor's dtype", () => {
    const graph = graphOf(model("2 * x - x ^ 2 / (p: parameter([8], init: 4)) + -x"));
    const [x, p] = [0.5, 4];
    expect(x * 2 - x ** 2 / p - x).toBe(0.4375);
    expect(opsOf(graph)).toEqual(["full", "mul", "full", "pow", "div", "sub", "neg", "add"]);
    const ids = graphOf("model m { input ids: i32[B]; ids + 1; output y: i32[B] }");
    expect(ids.nodes[0]!.results[0]!.type.dtype).toBe("i32");
  });

  test("a chain in parentheses starts at the stream, or at its own value", () => {
    const short = graphOf(
      model("(g: linear(4, bias: false) -> silu) * (u: linear(4, bias: false)) -> d: linear(8)"),
    );
    const long = graphOf(
      model(
        "g = x -> g: linear(4, bias: false) -> silu\nu = x -> u: linear(4, bias: false)\ng * u -> d: linear(8)",
      ),
    );
    expect(parameterNames(short)).toEqual(parameterNames(long));
    expect(difference(outputOf(short).data, outputOf(long).data)).toBe(0);
  });
});

describe("names", () => {
  test("a later binding hides an earlier one, in a repeat too", () => {
    const text = model("r = x\nrepeat 3 { r = r + x }\nr - 4 * x");
    expect(outputOf(graphOf(text)).data.every((element) => Math.abs(element) < 1e-15)).toBe(true);
  });

  test("`h[k].name` is what the name was when that iteration ended", () => {
    const text = model("r = x\nrepeat 3 as h { r = r + x }\nr = x\nh[1].r - 3 * x");
    expect(outputOf(graphOf(text)).data.every((element) => Math.abs(element) < 1e-15)).toBe(true);
  });

  test("in a branch of `if` that is not taken nothing is looked up", () => {
    expect(opsOf(graphOf(model("if 1 == 2 { nothing -> such -> there } else { relu }")))).toEqual(["relu"]);
  });

  test("`stream` is the value at that point", () => {
    expect(opsOf(graphOf(model("a: linear(8)\nstream + x")))).toEqual(["linear", "add"]);
  });
});
