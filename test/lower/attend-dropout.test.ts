import { describe, expect, test } from "vitest";
import { RANDOM_INPUT, trainingForward } from "../../src/autodiff/train/forward.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { bindingsOf, difference, graphOf, mistakes, opsOf, TOLERANCE } from "./support.ts";

const sizes = { B: 2, T: 6, S: 6 };

const attention = (options: string, keyHeads = 4, extra = ""): string => `model m {
  input q: f32[B, 4, T, 3]
  input k: f32[B, ${keyHeads}, S, 3]
  input v: f32[B, ${keyHeads}, S, 5]
  ${extra === "" ? "" : `input more: ${extra}`}
  (q, k, v${extra === "" ? "" : ", more"}) -> attend(${options})
  output y
}`;

describe("dropout of attention", () => {
  const square = (text: string): string => text.replaceAll("S,", "T,");

  test.each([
    ["plain", attention("dropout: 0.5")],
    ["another number of keys", attention("dropout: 0.5")],
    ["two query heads a key head", attention("dropout: 0.5", 2)],
    ["one key head", attention("dropout: 0.5, scale: 0.3", 1)],
    ["causal", square(attention("dropout: 0.5, causal: true"))],
    ["causal, with keys before the first query", attention("dropout: 0.5, causal: true")],
    ["a window", square(attention("dropout: 0.5, causal: true, window: 2"))],
    ["a window to both sides", square(attention("dropout: 0.5, window: 3", 2))],
    ["softcap", attention("dropout: 0.5, softcap: 0.4")],
    ["ALiBi", square(attention("dropout: 0.5, alibi: true, causal: true"))],
    ["a bias", attention("dropout: 0.5", 4, "f32[4, T, S]")],
    ["a mask", attention("dropout: 0.5", 4, "bool[B, 1, 1, S]")],
    [
      "a mask with rows that see nothing",
      square(attention("dropout: 0.5, causal: true", 2, "bool[B, 1, T, T]")),
    ],
  ])("%s: without a key the training graph is attention itself", (name, text) => {
    const symbols = { ...sizes, S: /keys/.test(name) ? 8 : 6 };
    const training = graphOf(text, { training: true });
    const plain = graphOf(text);
    expect(opsOf(training)).toContain("dropout");
    expect(opsOf(training)).not.toContain("attend");
    expect(opsOf(plain)).toEqual(["attend"]);
    const bindings = bindingsOf(plain, symbols);
    // Query 2 of each item sees nothing.
    const mask = bindings.inputs["more"];
    if (/nothing/.test(name))
      for (const row of [2, sizes.T + 2]) mask!.data.fill(0, row * sizes.T, (row + 1) * sizes.T);
    const [expected, found] = [plain, training].map((graph) => interpret(graph, bindings).y!);
    expect(found!.shape).toEqual(expected!.shape);
    expect(difference(found!.data, expected!.data)).toBeLessThan(TOLERANCE);
  });

  test("drops shares of the softmax and scales the others up, other ones in each step", () => {
    // Values are the unit vectors: what comes out are the shares themselves.
    const count = 40;
    const text = `model m {
      input q: f32[1, 2, T, 3]
      input k: f32[1, 2, T, 3]
      input v: f32[1, 2, T, ${count}]
      (q, k, v) -> attend(dropout: 0.25)
      output y
    }`;
    const forward = trainingForward(graphOf(text, { training: true }));
    const graph = { ...forward.graph, inputs: [...forward.graph.inputs, forward.random!] };
    const { inputs } = bindingsOf(graphOf(text), { T: count });
    const units = Array.from({ length: 2 * count * count }, (_, i) =>
      Math.floor(i / count) % count === i % count ? 1 : 0,
    );
    const given = { ...inputs, v: hostTensor("f32", [1, 2, count, count], units) };
    const shares = interpret(graphOf(text), { inputs: given, parameters: {} }).y!.data;
    const drop = (step: number): number[] => {
      const key = hostTensor("i32", [2], [7, step]);
      const { y } = interpret(graph, { inputs: { ...given, [RANDOM_INPUT]: key }, parameters: {} });
      return Array.from(y!.data);
    };
    const first = drop(0);
    const kept = first.filter((value) => value !== 0).length;
    // 3,200 draws: five standard errors, √(0.25 · 0.75 / 3200) = 0.0077 each.
    expect(Math.abs(kept / first.length - 0.75)).toBeLessThan(5 * 0.0077);
    for (const [i, value] of first.entries())
      if (value !== 0) expect(Math.abs(value - shares[i]! / 0.75)).toBeLessThan(TOLERANCE);
    expect(drop(1)).not.toEqual(first);
    expect(drop(0)).toEqual(first);
  });

  test("the library's attention hands it on, and a rate of 1 is a mistake", () => {
    const text =
      "model m { input x: f32[B, T, 8]; input y: f32[B, S, 8]; a: attention(2, dropout: 0.1)\n (stream, y) -> c: cross_attention(2, dropout: 0.1) }";
    const dropouts = graphOf(text, { training: true }).nodes.filter((node) => node.op === "dropout");
    expect(dropouts.map(({ attrs }) => attrs.rate)).toEqual([0.1, 0.1]);
    expect(opsOf(graphOf(text)).filter((op) => op === "attend")).toHaveLength(2);
    expect(
      mistakes(
        "  expand([B, 1, 3, 8]) as q\n  (q, q, q) -> attend(dropout: 1)".replace(
          "expand([B, 1, 3, 8])",
          "heads(2) -> unsqueeze(1)",
        ),
      ),
    ).toContain("a rate is at least 0 and below 1, got 1");
  });
});
