import { expect, test } from "vitest";
import type { OwnLint } from "../../../src/lower/lints/lint.ts";
import { lowerText, messages } from "../support.ts";
import { codesIn, lintsIn, model } from "./support.ts";

/** Finds each relu. */
const noRelu: OwnLint = {
  name: "no_relu",
  code: "lab/relu",
  find: ({ graph }) =>
    graph.nodes
      .filter(({ op }) => op === "relu")
      .map(({ origin }) => ({ spans: origin.spans, message: "a relu is dead below zero", help: "use gelu" })),
};
const lints = [noRelu];
const body = "  relu\n  output y";

test("a lint that a program adds is told beside ours, with the word that silences it", () => {
  expect(lintsIn(model(body), { lints })).toMatchInlineSnapshot(`
    "model.lmg:3:3: warning[lab/relu]: a relu is dead below zero
      3 |   relu
        |   ^^^^
      help: use gelu; or say \`allow no_relu\`"
  `);
  expect(lowerText(model(`  relu as a\n${body}`), { lints }).diagnostics.map(({ code }) => code)).toEqual([
    "lab/relu",
    "W304",
    "lab/relu",
  ]);
});

test("`allow` silences it, and an `allow` of no use is told", () => {
  expect(lintsIn(model(`  allow no_relu\n${body}`), { lints })).toBe("");
  expect(codesIn(model("  allow no_relu\n  gelu\n  output y"), { lints })).toEqual(["W310 3"]);
});

test("its name is known where it is not looked for, and only where it was added", () => {
  const text = model(`  allow no_relu\n${body}`);
  expect(lowerText(text, { lints, lint: false }).diagnostics).toEqual([]);
  expect(messages(text)).toContain("error[E532]: there is no lint called `no_relu`");
  const { diagnostics } = lowerText(model(`  allow no_rleu\n${body}`), { lints });
  expect(diagnostics[0]).toMatchObject({ code: "E532", help: "did you mean `no_relu`?" });
});

test.each([
  [{ ...noRelu, name: "unread_tap" }, "there is a lint called unread_tap already"],
  [{ ...noRelu, name: "noRelu" }, "noRelu is no name that `allow` could read: a-z, 0-9 and _"],
  [{ ...noRelu, code: "W304" as "lab/relu" }, "the code W304 of no_relu has no namespace: `lab/no_relu`"],
])("a lint that could not be told from others is refused: %#", (lint, message) => {
  expect(() => lowerText(model(body), { lints: [lint] })).toThrow(new RangeError(message));
});

test("two lints of one name are refused", () => {
  expect(() => lowerText(model(body), { lints: [noRelu, noRelu] })).toThrow("a lint called no_relu already");
});
