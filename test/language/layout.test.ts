import { describe, expect, test } from "vitest";
import { layOut, POISON } from "../../src/language/layout.ts";
import { mistakesIn } from "./support.ts";

/** The text after layout, with `·` for the blanks that were none, and `!` for what is broken. */
function laidOut(text: string): string {
  const out = layOut({ name: "m", text }).text;
  expect(out).toHaveLength(text.length);
  return Array.from(out, (character, at) => {
    if (character === POISON) return "!";
    return character === " " && text[at] !== " " ? "·" : character;
  }).join("");
}

describe("a statement goes on in the next line", () => {
  test.each([
    ["within parentheses and brackets", "f(a,\nb[\n1])", "f(a,·b[·1])"],
    [
      "behind a comma, an arrow, a sign or an operator",
      "a,\n b ->\n c =\n d: \n e +\n f",
      "a,· b ->· c =· d: · e +· f",
    ],
    [
      "behind a comparison and the words between conditions",
      "a <\nb ==\nc and\nd or\nnot\ne",
      "a <·b ==·c and·d or·not·e",
    ],
    ["before an arrow and before else", "a\n -> b\nif c { d }\nelse { e }", "a· -> b\nif c { d }·else { e }"],
    ["before the brace of a header", "residual pre a,\n out b\n{\nc\n}", "residual pre a,· out b·{\nc\n}"],
    ["over comments and blank lines", "a // x\n\n  // y\n -> b", "a ·· ···  ·· ·· -> b"],
  ])("%s", (_name, text, expected) => {
    expect(laidOut(text)).toBe(expected);
  });
});

describe("a statement ends", () => {
  test.each([
    ["at the end of a line", "a\nb", "a\nb"],
    ["before a label that is a word of the language", "a\nelse: b\nelse.c: d", "a\nelse: b\nelse.c: d"],
    [
      "before braces that are a branch of their own",
      "if a { b }\n{ c }\nx\n{ d }",
      "if a { b }\n{ c }\nx\n{ d }",
    ],
    ["behind a name that only ends like a word", "band\nc", "band\nc"],
  ])("%s", (_name, text, expected) => {
    expect(laidOut(text)).toBe(expected);
  });
});

test("comments become blanks, but not in texts; CRLF and a byte order mark are blanks", () => {
  expect(laidOut('\uFEFFa // b\r\n"c // d"\r\n')).toBe('·a ·· ·\r\n"c // d"\r\n');
});

describe("brackets", () => {
  const models = (first: string): string => `model m {\n${first}\n}\nmodel n { x => y }\n`;

  test("a brace that is never closed is found by the indentation of what closes", () => {
    expect(mistakesIn(models("  input x: f32[B]\n  residual {\n    relu\n  output y")))
      .toMatchInlineSnapshot(`
        "m:3:12: error[E102]: this \`{\` is never closed
          3 |   residual {
            |            ^
          help: write \`}\` where it ends
        m:7:13: error[E120]: an arrow is written \`->\`, not \`=>\`
          7 | model n { x => y }
            |             ^^ write \`->\`"
      `);
  });

  test("a brace too many is shown with the one that ended the definition too early", () => {
    expect(mistakesIn(models("  residual { relu } }\n  output y"))).toMatchInlineSnapshot(`
      "m:4:1: error[E103]: this \`}\` closes nothing
        4 | }
          | ^
        2 |   residual { relu } }
          |                     ^ the definition ended here already
      m:5:13: error[E120]: an arrow is written \`->\`, not \`=>\`
        5 | model n { x => y }
          |             ^^ write \`->\`"
    `);
  });

  test("a parenthesis is closed, as an error, by a line that must be a statement", () => {
    expect(mistakesIn(models("  x -> f(3\n  input y: f32"))).toMatchInlineSnapshot(`
      "m:2:9: error[E102]: this \`(\` is never closed
        2 |   x -> f(3
          |         ^
        3 |   input y: f32
          |   ^ it should be closed before this
        help: write \`)\` where it ends
      m:5:13: error[E120]: an arrow is written \`->\`, not \`=>\`
        5 | model n { x => y }
          |             ^^ write \`->\`"
    `);
  });

  test("a parenthesis in a header is blamed, not the body behind it", () => {
    expect(mistakesIn(models("  residual pre norm(eps { relu }"))).toMatchInlineSnapshot(`
      "m:2:20: error[E102]: this \`(\` is never closed
        2 |   residual pre norm(eps { relu }
          |                    ^
        2 |   residual pre norm(eps { relu }
          |                         ^ it should be closed before this
        help: write \`)\` where it ends
      m:4:13: error[E120]: an arrow is written \`->\`, not \`=>\`
        4 | model n { x => y }
          |             ^^ write \`->\`"
    `);
  });

  test("the inner of two brackets is blamed if the outer one is closed", () => {
    expect(mistakesIn(models("  x -> [f(3]"))).toMatchInlineSnapshot(`
      "m:2:10: error[E102]: this \`(\` is never closed
        2 |   x -> [f(3]
          |          ^
        2 |   x -> [f(3]
          |            ^ it should be closed before this
        help: write \`)\` where it ends
      m:4:13: error[E120]: an arrow is written \`->\`, not \`=>\`
        4 | model n { x => y }
          |             ^^ write \`->\`"
    `);
  });

  test("a file may end in the middle of anything", () => {
    expect(
      ["model m {", "model m { f(", 'model m { "', "model m", "}", "model m { x ->"]
        .map(mistakesIn)
        .join("\n"),
    ).toMatchInlineSnapshot(`
      "m:1:9: error[E102]: this \`{\` is never closed
        1 | model m {
          |         ^
        help: write \`}\` where it ends
      m:1:12: error[E102]: this \`(\` is never closed
        1 | model m { f(
          |            ^
        help: write \`)\` where it ends
      m:1:9: error[E102]: this \`{\` is never closed
        1 | model m { "
          |         ^
        help: write \`}\` where it ends
      m:1:11: error[E106]: this text has no closing \`"\` on its line
        1 | model m { "
          |           ^
        help: a text ends on the line that it starts on; write \`\\n\` for a line end and \`\\"\` for a quote
      m:1:8: error[E147]: \`model\` needs a body in braces here, found the end of the statement
        1 | model m
          |        ^ expected \`{\`
      m:1:1: error[E103]: this \`}\` closes nothing
        1 | }
          | ^
      m:1:9: error[E102]: this \`{\` is never closed
        1 | model m { x ->
          |         ^
        help: write \`}\` where it ends"
    `);
  });
});

test("one odd character a line is reported, and the statements without any are still parsed", () => {
  expect(mistakesIn("model m {\n  é; ñ\n  x => y\n  “a”\n}\n")).toMatchInlineSnapshot(`
    "m:2:3: error[E107]: \`é\` may stand in comments and texts only
      2 |   é; ñ
        |   ^
    m:3:5: error[E120]: an arrow is written \`->\`, not \`=>\`
      3 |   x => y
        |     ^^ write \`->\`
    m:4:3: error[E107]: \`“\` may stand in comments and texts only
      4 |   “a”
        |   ^
      help: a text stands in plain double quotes: \`"…"\`"
  `);
});

test("a carriage return alone is refused, also in a comment, where an editor shows a statement that nobody runs", () => {
  expect(mistakesIn("model m {\r\n  x // here\r  tanh\r\n  y\r\n}\r\n")).toMatchInlineSnapshot(`
    "m:2:12: error[E110]: a carriage return stands alone here: editors begin a line after it, and lmg does not
      2 |   x // here\\u000d  tanh
        |            ^^^^^^
      help: end lines with \`\\n\`, or with \`\\r\\n\`"
  `);
});

test("a name behind `//` is a divisor only if the file has it elsewhere", () => {
  expect(mistakesIn("model m(dim = 8) {\n  a: linear(4) // dim\n  b: linear(4) // Phi\n}\n"))
    .toMatchInlineSnapshot(`
    "m:2:16: warning[W100]: \`//\` begins a comment; it does not divide
      2 |   a: linear(4) // dim
        |                ^^^^^^
      help: integer division is \`div(a, b)\`; if this is a comment, say it in more than one word"
  `);
});
