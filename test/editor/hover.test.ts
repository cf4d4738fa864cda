import { expect, test } from "vitest";
import { hover, showHover } from "../../src/editor/hover.ts";
import { marked, modelOf } from "./marked.ts";

function hoverOf(text: string): string | undefined {
  const { analysis, offset } = marked(text);
  const found = hover(analysis, offset);
  return found && `\n${showHover(found)}\n`;
}

const layers = (at: string): string =>
  modelOf(`  repeat depth as h {
    residual ${at === "word" ? "pr|e" : "pre"} ln: layernorm { ${at === "label" ? "f|c" : "fc"}: ${at === "layer" ? "lin|ear" : "linear"}(${at === "value" ? "4 |* dim" : "4 * dim"}) -> act -> linear(${at === "name" ? "d|im" : "dim"}) }
  }`);

test("a layer says how it is called, what came out at each iteration, and its weights", () => {
  expect(hoverOf(layers("layer"))).toMatchInlineSnapshot(`
    "
    \`\`\`lmg
    linear(n, bias = true, layout = out_in, init = none)
    -> f32[B, T, 32] ×2
    \`\`\`

    x Wᵀ + b, [.., K] → [.., n]; the weight is [n, K], or [K, n] with layout: in_out, as GPT-2's Conv1D has it

    - \`n\`: a whole number
    - \`bias\`: true or false, \`true\` if not given
    - \`layout\`: one of out_in, in_out, \`out_in\` if not given
    - \`init\`: an initializer or none, \`none\` if not given

    576 weights: \`h.*.fc.weight\` f32[32, 8] ×2, \`h.*.fc.bias\` f32[32] ×2
    "
  `);
  expect(hoverOf(layers("label"))).toBe(hoverOf(layers("layer")));
});

test("a norm's clause says where the norm stands", () => {
  expect(hoverOf(layers("word"))).toMatchInlineSnapshot(`
    "
    \`\`\`lmg
    pre | out | post | sandwich | none
    \`\`\`

    a norm before the branch: y = x + f(N(x)) (GPT-2, Llama)

    here \`pre\`: layernorm of h.* edge 0
    "
  `);
});

test("a name says its value, an expression what it comes to", () => {
  expect(hoverOf(layers("name"))).toMatchInlineSnapshot(`
    "
    \`\`\`lmg
    dim = 8 ×2
    \`\`\`

    \`n\` of \`linear\`: a whole number
    "
  `);
  expect(hoverOf(layers("value"))).toMatchInlineSnapshot(`
    "
    \`\`\`lmg
    32 ×2
    \`\`\`
    "
  `);
});

test("the word residual says what the edge adds up", () => {
  const edge = (clauses: string, body = "linear(dim)"): string | undefined =>
    hoverOf(modelOf(`  resi|dual ${clauses} { f: ${body} }`))?.split("\n")[2];
  expect(edge("")).toBe("y = x + f(x)");
  expect(edge("pre ln: layernorm")).toBe("y = x + f(N(x))");
  expect(edge("out ln: layernorm")).toBe("y = x + N(f(x))");
  expect(edge("post ln: layernorm")).toBe("y = N(x + f(x))");
  expect(edge("sandwich ln: layernorm")).toBe("y = x + N(f(N(x)))");
  expect(edge("skip 2.0, branch 0.5")).toBe("y = 2 · x + 0.5 · f(x)");
});

test("words of the language say how they are written; blanks, comments and unknown names say nothing", () => {
  expect(hoverOf(modelOf("  re|peat depth { residual { linear(dim) } }"))).toContain(
    "runs its body several times",
  );
  expect(hoverOf(modelOf("  // a com|ment about relu"))).toBeUndefined();
  expect(hoverOf(modelOf("  |\n\n  relu"))).toBeUndefined();
  expect(hoverOf(modelOf("  nothing_of_this_n|ame"))).toBeUndefined();
});

test("after a mistake all that stands before it, and beside it, is known", () => {
  expect(hoverOf(modelOf("  a: lin|ear(3)\n  b: unknown_layer"))).toContain("-> f32[B, T, 3]");
  expect(hoverOf(modelOf("  a: lin|ear(3)\n  b: relu(,"))).toContain("-> f32[B, T, 3]");
});
