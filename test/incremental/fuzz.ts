/*
 * npx tsx test/incremental/fuzz.ts [--graphs N] [--seed S]: random graphs over positions, derived and equal or refused.
 * Anything else is a fault, which it prints.
 */
import { parseArgs } from "node:util";
import { printGraph } from "../../src/ir/print.ts";
import { judge } from "./judge.ts";
import { randomGraph } from "./random.ts";

const { values } = parseArgs({
  options: { graphs: { type: "string", default: "1000" }, seed: { type: "string", default: "1" } },
});
const first = Number(values.seed) * 1_000_000;
const tally = new Map<string, number>();
const count = (what: string): void => void tally.set(what, (tally.get(what) ?? 0) + 1);
let faults = 0;

for (let index = 0; index < Number(values.graphs); index++) {
  const graph = randomGraph(first + index);
  if (graph === undefined) {
    count("no test");
    continue;
  }
  try {
    const verdict = judge(graph, index);
    count(verdict.kind);
    if (verdict.kind === "equal") count(`  of different lengths: ${verdict.ragged}`);
    if (verdict.kind === "refused") count(`  ${verdict.reason}${verdict.isCausal ? ", though causal" : ""}`);
    if (verdict.kind === "wrong") report(`wrong by ${verdict.by}`);
  } catch (error) {
    count("crashed");
    report(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }

  function report(what: string): void {
    if (faults++ < 5)
      console.log(`seed ${first + index}: ${what}\n${printGraph(graph!, { annotations: false })}`);
  }
}

for (const [what, times] of [...tally].sort(([a], [b]) => (a < b ? -1 : 1))) console.log(`${what}: ${times}`);
process.exitCode = faults > 0 ? 1 : 0;
