import { describe, expect, test } from "vitest";
import { Network } from "../../src/incremental/cut.ts";
import { keptBytes } from "../../src/incremental/kept-bytes.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { chunks, decodedDifference, Reference } from "./decoded.ts";
import { texts } from "./decoders.ts";
import { derived, exampleGraph, graphOf } from "./models.ts";

const EXACT = 1e-12;

/** Numbers that are kept for a position of one text. */
const perPosition = (graph: Graph, recompute: number): number =>
  keptBytes(derived(graph, { recompute })).position / 4;

describe("what keys and values are made of is kept in their place", () => {
  const latent = graphOf(texts["latent attention, as DeepSeek's"]!);

  test("a latent and the turned channels that heads share, where operations are worth it", () => {
    // Keys of 4 heads of 4 + 2 channels and values of 3 in each of two layers; a latent of 6 and 2 channels that turn.
    expect(perPosition(latent, 0)).toBe(2 * 4 * (6 + 3));
    expect(perPosition(latent, 4)).toBe(2 * (6 + 2));
    // A product with the latent for 4 heads of 4 + 3 channels, and what puts the turned channels behind those of each head.
    expect(derived(latent, { recompute: 4 }).recomputed).toBe(2 * (2 * 6 * 4 * (4 + 3) + 4 * (4 + 2)));
  });

  test("not where they are not", () => {
    expect(perPosition(latent, 0.5)).toBe(2 * 4 * (6 + 3));
  });

  test("the stream, of which both are made; of grouped heads they are narrower themselves", () => {
    const sizes = { vocab: 23, dim: 16, depth: 2, heads: 4 };
    const gpt2 = exampleGraph("gpt2", { ...sizes, ctx: 40 });
    expect(perPosition(gpt2, 0)).toBe(2 * 2 * 16);
    // Of the first layer that is a token's number.
    expect(perPosition(gpt2, 1000)).toBe(16 + 1);
    const llama = exampleGraph("llama", { ...sizes, hidden: 24, kv_heads: 1 });
    expect(perPosition(llama, 4)).toBe(2 * 2 * 4);
  });

  test.each(["latent attention, as DeepSeek's", "a window in each layer but the last, and grouped heads"])(
    "%s: the numbers are those of the whole graph, whatever is kept",
    (name) => {
      const graph = graphOf(texts[name]!);
      const reference = new Reference(graph, "T", { B: 2, T: 14 });
      for (const recompute of [8, 64, 4096])
        for (const fuse of [false, true])
          for (const runs of [chunks("all", 5, 1, 3, 1, 4), chunks("append", 4, 1, 6, 1, 2)])
            expect(
              decodedDifference(reference, derived(graph, { recompute, fuse }), runs, 14),
            ).toBeLessThanOrEqual(EXACT);
    },
  );
});

test("the cheapest cut of a network", () => {
  const network = new Network();
  const [source, a, b, sink] = [network.place(), network.place(), network.place(), network.place()];
  network.edge(source, a, 3);
  network.edge(source, b, 9);
  network.edge(a, b, 2);
  network.edge(a, sink, 1);
  network.edge(b, sink, 4);
  // 1 + 4 at the sink is least: both are on the side of the source.
  expect(network.sideOf(source, sink)).toEqual(new Set([source, a, b]));
});
