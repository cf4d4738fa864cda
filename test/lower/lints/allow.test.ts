import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { messages } from "../support.ts";
import { codesIn, lintsIn, model } from "./support.ts";

const edge = "residual pre ln: layernorm { mlp: ffn(16) }";

describe("allow", () => {
  test.each([
    ["in the model", model(`  allow no_final_norm\n  repeat depth as h { ${edge} }\n  output y`)],
    ["anywhere in the model", model(`  repeat depth as h { ${edge} }\n  output y\n  allow no_final_norm`)],
    ["in the repeat", model(`  repeat depth as h {\n    allow no_final_norm\n    ${edge}\n  }\n  output y`)],
    [
      "in the edge",
      model(
        "  repeat depth as h { residual pre ln: layernorm { allow no_final_norm; mlp: ffn(16) } }\n  output y",
      ),
    ],
    [
      "under a condition that holds",
      model(`  if placement == pre { allow no_final_norm }\n  repeat depth as h { ${edge} }\n  output y`),
    ],
    ["among several", model("  allow doubled_stream, unread_tap\n  relu as a\n  residual { }\n  output y")],
    [
      "in the model, for the blocks that it calls",
      model("  allow unread_tap\n  b: inner\n  output y", "block inner() { input x: [.., D]; relu as a }"),
    ],
    [
      "in a block",
      model("  b: inner\n  output y", "block inner() { allow unread_tap; input x: [.., D]; relu as a }"),
    ],
  ])("silences a lint %s", (_, text) => {
    expect(lintsIn(text)).toBe("");
  });

  test("reaches no further than the braces in which it stands", () => {
    const text = model("  residual { relu as a; allow unread_tap }\n  residual { relu as b }\n  output y");
    expect(codesIn(text)).toEqual(["W304 4"]);
  });

  test("of a lint that does not exist is an error", () => {
    expect(messages(model("  allow no_final_nrom\n  output y"))).toMatchInlineSnapshot(`
      "
      model.lmg:3:9: error[E532]: there is no lint called \`no_final_nrom\`
        3 |   allow no_final_nrom
          |         ^^^^^^^^^^^^^
        help: did you mean \`no_final_norm\`?
      "
    `);
    expect(messages(model("  allow everything\n  output y"))).toMatchInlineSnapshot(`
      "
      model.lmg:3:9: error[E532]: there is no lint called \`everything\`
        3 |   allow everything
          |         ^^^^^^^^^^
        help: there are \`no_final_norm\`, \`deep_post_norm\`, \`unnormed_branch\`, \`unread_tap\`, \`unread_value\`, \`unread_parameter\`, \`unread_let\`, \`unread_input\`, \`unread_block\`, \`unread_use\` and \`doubled_stream\`
      "
    `);
  });

  test("that silences nothing is told, with the parameters that the file has", () => {
    const text = model(
      `  allow no_final_norm\n  repeat depth as h { residual placement ln: layernorm { mlp: ffn(16) } }\n  output y`,
    );
    expect(lintsIn(text)).toBe("");
    expect(lintsIn(text, { settings: { placement: "post" } })).toBe("");
    expect(`\n${lintsIn(text.replace("= pre", "= post"))}\n`).toMatchInlineSnapshot(`
      "
      model.lmg:3:9: warning[W310]: \`no_final_norm\` has nothing to silence here
        3 |   allow no_final_norm
          |         ^^^^^^^^^^^^^
        help: an \`allow\` reaches as far as the braces in which it stands
      "
    `);
  });

  test("is free as a name", () => {
    expect(lintsIn(model("  allow = relu\n  allow -> allow: linear(8)\n  output y"))).toBe("");
  });

  test("says nothing unless lints are asked for", () => {
    expect(messages(model("  relu as a\n  residual { }\n  output y"))).toBe("\n\n");
  });
});

const examples = new URL("../../../examples/", import.meta.url);
test.each(readdirSync(examples).filter((name) => name.endsWith(".lmg")))("examples/%s is clean", (name) => {
  expect(lintsIn(readFileSync(new URL(name, examples), "utf8"))).toBe("");
});
