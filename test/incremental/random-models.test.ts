import { expect, test } from "vitest";
import { decodingProgram } from "../../src/incremental/program.ts";
import { Refusal } from "../../src/incremental/refusal.ts";
import { chunks, decodedDifference, difference, Reference, rowsOf } from "./decoded.ts";
import { graphOf } from "./models.ts";
import { randomModel } from "./random-models.ts";
import { runners, wasm } from "./runners.ts";

const MODELS = 50;

/** Each so many-th is run in WebAssembly too, whose modules take longer to make. */
const EMITTED = 4;

/** In float64 a sum may be added up in another order. */
const EXACT = 1e-12;

/** Rounding of f32; sums that run over all positions are numbers near 10. */
const TOLERANCE = 1e-5;

/** Whether earlier rows stay as they are when the text is shorter. */
function isCausal(reference: Reference): boolean {
  const [whole, short] = [12, 7].map((length) => reference.whole(length)["y"]!);
  return difference(short!, rowsOf(whole!, 1, 0, 7)) <= EXACT;
}

async function emittedDifference(reference: Reference, decoding: Parameters<typeof decodedDifference>[1]) {
  const model = await runners["WebAssembly"]!.sessions(decoding, reference.parameters);
  const session = await model.session({ batch: 2, capacity: 12 });
  let worst = 0;
  for (const count of [4, 1, 1, 5, 1]) {
    const start = session.length;
    const { data, shape } = (await session.append(reference.text(start, count)))["y"]!;
    const expected = reference.expected("y", start, { part: "append", count });
    worst = Math.max(
      worst,
      difference({ ...expected, shape: [...shape], data: Float64Array.from(data) }, expected),
    );
  }
  session.dispose();
  model.close();
  return worst;
}

test(`${MODELS} random models are read in pieces as they are whole, or refused`, async () => {
  let [equal, refusedRightly, emitted] = [0, 0, 0];
  for (let seed = 0; seed < MODELS; seed++) {
    const graph = graphOf(randomModel(seed));
    const reference = new Reference(graph, "T", { B: 2, T: 12 });
    const decoding = decodingProgram(graph, { verify: true, target: wasm });
    if (decoding instanceof Refusal) {
      expect(isCausal(reference), `seed ${seed}: ${decoding.message}`).toBe(false);
      refusedRightly++;
      continue;
    }
    for (const runs of [chunks("all", 3, 1, 2, 1, 5), chunks("append", 5, 1, 1, 4, 1)])
      expect(decodedDifference(reference, decoding, runs, 12), `seed ${seed}`).toBeLessThanOrEqual(EXACT);
    if (equal++ % EMITTED === 0) {
      expect(await emittedDifference(reference, decoding), `seed ${seed}`).toBeLessThan(TOLERANCE);
      emitted++;
    }
  }
  // Both happen often, or nothing is said.
  expect(equal).toBeGreaterThan(MODELS / 2);
  expect(emitted).toBeGreaterThan(MODELS / 10);
  expect(refusedRightly).toBeGreaterThan(MODELS / 20);
}, 60_000);
