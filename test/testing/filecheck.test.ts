import { describe, expect, test } from "vitest";
import { checkText } from "../../src/testing/filecheck.ts";
import { PatternError } from "../../src/testing/pattern.ts";

const ir = `graph g {
  %x: f32[B, 4] = add(%a, %b)
  %y: f32[B, 4] = relu(%x)
  %z: f32[B, 4] = mul(%x, %y)
  output out = %z
}`;

const messageOf = (checks: string, text = ir): string => {
  const result = checkText(text, checks);
  return result.ok ? "matches" : result.message;
};

describe("lines of checks", () => {
  test("are found in order, blanks standing for any blanks", () => {
    expect(messageOf("CHECK: %x: f32[B,   4] = add\nCHECK: mul(%x, %y)")).toBe("matches");
    expect(messageOf("CHECK: mul\nCHECK: add")).toMatchInlineSnapshot(`
      "CHECK: add
      is not found after line 4:
        |   %z: f32[B, 4] = mul(%x, %y)
        |   output out = %z
        | }"
    `);
  });

  test("may leave the word CHECK off", () => expect(messageOf("= add\n= mul")).toBe("matches"));

  test("with NEXT match on the line after the last match only", () => {
    expect(messageOf("CHECK: add\nCHECK-NEXT: relu")).toBe("matches");
    expect(messageOf("CHECK: add\nCHECK-NEXT: mul")).toContain("is not found on the line after line 2");
  });

  test("with SAME match further on in the line of the last match", () => {
    expect(messageOf("CHECK: %z\nCHECK-SAME: %y")).toBe("matches");
    expect(messageOf("CHECK: %y)\nCHECK-SAME: mul")).toContain("is not found on the rest of line 4");
  });

  test("with NOT forbid a text between the matches around them", () => {
    expect(messageOf("CHECK: add\nCHECK-NOT: tanh\nCHECK: mul")).toBe("matches");
    expect(messageOf("CHECK: add\nCHECK-NOT: relu\nCHECK: mul")).toMatchInlineSnapshot(`
      "CHECK-NOT: relu
      is found at line 3:
        %y: f32[B, 4] = relu(%x)"
    `);
  });

  test("with NOT before the end forbid a text in all that follows", () => {
    expect(messageOf("CHECK: mul\nCHECK-NOT: relu")).toBe("matches");
    expect(messageOf("CHECK: add\nCHECK-NOT: output")).toContain("is found at line 5");
  });

  test("with NOT allow the text before the match and after the next one", () =>
    expect(messageOf("CHECK: relu\nCHECK-NOT: add\nCHECK-NOT: output\nCHECK: mul")).toBe("matches"));

  test("with COUNT are found that many times", () => {
    expect(messageOf("CHECK-COUNT-3: f32[B, 4]\nCHECK-NOT: f32")).toBe("matches");
    expect(messageOf("CHECK-COUNT-4: f32[B, 4]")).toContain("is not found");
  });

  test("that say nothing are comments and empty lines", () =>
    expect(messageOf("# the sum\n\nCHECK: add")).toBe("matches"));
});

describe("patterns", () => {
  test("capture a text and compare it later", () => {
    expect(messageOf("CHECK: [[sum:%\\w+]]: f32[B, 4] = add\nCHECK: mul([[sum]], %y)")).toBe("matches");
    expect(messageOf("CHECK: [[sum:%\\w+]]: f32[B, 4] = add\nCHECK: mul(%x, [[sum]])"))
      .toMatchInlineSnapshot(`
      "CHECK: mul(%x, [[sum]])
      is not found after line 2:
        |   %x: f32[B, 4] = add(%a, %b)
        |   %y: f32[B, 4] = relu(%x)
        |   %z: f32[B, 4] = mul(%x, %y)
        |   output out = %z
        | }
        [[sum]] is %x"
    `);
  });

  test("compare a capture within its own line", () => {
    expect(messageOf("add([[a:%\\w]], [[a]])", "add(%q, %q)")).toBe("matches");
    expect(messageOf("add([[a:%\\w]], [[a]])", "add(%q, %r)")).toContain("is not found");
  });

  test("end a capture at the brackets outside its own", () => {
    expect(messageOf("weights: [%[[w:[\\w.]+]]] [[w]]", "weights: [%h.0.w] h.0.w")).toBe("matches");
    expect(messageOf("x: [[[v:\\d]]]", "x: [7]")).toBe("matches");
  });

  test("hold regular expressions in double braces, and nothing else is one", () => {
    expect(messageOf("CHECK: = {{relu|tanh}}(%x)")).toBe("matches");
    expect(messageOf("CHECK: = r.lu(%x)")).toContain("is not found");
  });
});

test.each([
  ["CHECK-NEVER: x", "`CHECK-NEVER: x` is no directive"],
  ["CHECK-NEXT-3: x", "`CHECK-NEXT-3: x` is no directive"],
  ["CHECK-COUNT-0: x", "`CHECK-COUNT-0: x` is no directive"],
  ["CHECK:", "`CHECK:` has no pattern"],
  ["# only a comment", "a check without a line checks nothing"],
  ["CHECK: [[x]]", "[[x]] stands before it is captured"],
  ["CHECK: [[x:a]] [[x:b]]", "[[x]] is captured twice in one line"],
  ["CHECK: [[x:a", "`[[x:a` has a capture that does not end"],
  ["CHECK: {{(}}", "`{{(}}` is not a pattern: Invalid regular expression: /(?:()/g: Unterminated group"],
])("the mistaken check %j is refused, whatever the text is", (checks, message) => {
  expect(() => checkText(ir, checks)).toThrow(new PatternError(message));
});
