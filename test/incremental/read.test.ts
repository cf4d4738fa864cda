import { describe, expect, test } from "vitest";
import { chunks, decodedDifference, Reference } from "./decoded.ts";
import { texts } from "./decoders.ts";
import { derived, graphOf } from "./models.ts";
import { causalGraphs, readInPieces } from "./reading.ts";
import { runners, wasm } from "./runners.ts";

/** In float64 a sum may be added up in another order. */
const EXACT = 1e-12;

describe.each(causalGraphs)("%s", (_, graphOfCase) => {
  const graph = graphOfCase();
  const decoding = derived(graph, { target: wasm });
  const reference = new Reference(graph, "T", { B: 2, T: 14, S: 5 });

  test.each(Object.keys(runners))(
    "a session in %s reads it in chunks, goes back, is forked, and takes other texts of its batch",
    async (runs) => {
      const model = await runners[runs]!.sessions(decoding, reference.parameters);
      await readInPieces(model, decoding, reference);
    },
  );
});

// `models.test.ts` says it of the examples.
test.each(Object.entries(texts))("%s: in float64 it is read in pieces as it is whole", (_, text) => {
  const graph = graphOf(text);
  const [decoding, reference] = [derived(graph), new Reference(graph, "T", { B: 2, T: 14, S: 5 })];
  for (const runs of [chunks("all", 5, 1, 3, 1, 1, 3), chunks("append", 4, 1, 6, 1, 2)])
    expect(decodedDifference(reference, decoding, runs, 14)).toBeLessThanOrEqual(EXACT);
});
