import { expect, test } from "vitest";
import { judge } from "./judge.ts";
import { randomGraph } from "./random.ts";

/** `npx tsx test/incremental/fuzz.ts` runs more of them. */
const GRAPHS = 200;

test(`${GRAPHS} random graphs over positions are derived and equal, or refused`, () => {
  const verdicts = new Map<string, number>();
  for (let seed = 0; seed < GRAPHS; seed++) {
    const graph = randomGraph(seed);
    if (graph === undefined) continue;
    const verdict = judge(graph, seed);
    expect(verdict, `seed ${seed}`).not.toMatchObject({ kind: "wrong" });
    for (const what of [verdict.kind, ...(verdict.kind === "equal" ? [`ragged ${verdict.ragged}`] : [])])
      verdicts.set(what, (verdicts.get(what) ?? 0) + 1);
  }
  // Both happen often, or nothing is said.
  expect(verdicts.get("equal")).toBeGreaterThan(GRAPHS / 5);
  expect(verdicts.get("refused")).toBeGreaterThan(GRAPHS / 10);
  expect(verdicts.get("ragged equal")).toBeGreaterThan(GRAPHS / 6);
});
