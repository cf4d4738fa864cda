import { decodingProgram } from "../../src/incremental/program.ts";
import { Refusal } from "../../src/incremental/refusal.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { verifyProgram } from "../../src/ir/program.ts";
import { EvaluationError } from "../../src/ops/evaluate/error.ts";
import { Ragged, raggedDifference } from "./ragged.ts";
import { chunks, decodedDifference, difference, Reference, rowsOf } from "./decoded.ts";

/**
 * What became of a graph: derived and equal, derived and wrong, refused for a reason, or no test, as the graph itself cannot
 * run or gives no numbers.
 */
export type Verdict =
  | { readonly kind: "equal"; readonly ragged: "equal" | "refused" }
  | { readonly kind: "wrong"; readonly by: number }
  | { readonly kind: "refused"; readonly reason: string; readonly isCausal: boolean }
  | { readonly kind: "no test" };

/** Sums in another order, of numbers that products of a few moves make large; relative. */
const TOLERANCE = 1e-9;

const TOTAL = 9;
const CAPACITY = 12;
const SHORTER = 6;

/** Derives a graph and runs it in chunks beside the whole graph; `seed` chooses among the ways to do so. */
export function judge(graph: Graph, seed: number): Verdict {
  const reference = new Reference(graph, "T", { B: 2, T: TOTAL, S: 3 });
  if (!runs(reference)) return { kind: "no test" };
  const decoding = decodingProgram(graph, {
    verify: true,
    fuse: seed % 3 === 0,
    windows: seed % 2 === 0 ? "rows" : "whole",
  });
  if (decoding instanceof Refusal)
    return { kind: "refused", reason: decoding.reason, isCausal: isCausal(reference) };
  const problems = verifyProgram(decoding.program);
  if (problems.length > 0) throw new Error(problems.join("; "));
  const by = Math.max(
    decodedDifference(reference, decoding, chunks("all", 3, 1, 2, 1, 2), CAPACITY),
    decodedDifference(reference, decoding, chunks("append", 2, 1, 1, 4, 1), CAPACITY),
  );
  if (by > TOLERANCE) return { kind: "wrong", by };
  const ragged = raggedBy(reference, seed);
  if (ragged === undefined) return { kind: "equal", ragged: "refused" };
  return ragged <= TOLERANCE ? { kind: "equal", ragged: "equal" } : { kind: "wrong", by: ragged };
}

/** By how much texts that begin at places of their own differ from each alone; undefined if that is refused. */
function raggedBy(reference: Reference, seed: number): number | undefined {
  const decoding = decodingProgram(reference.graph, {
    verify: true,
    fuse: seed % 3 === 0,
    windows: seed % 2 === 0 ? "rows" : "whole",
    ragged: true,
  });
  if (decoding instanceof Refusal) return undefined;
  const texts = new Ragged(reference, [seed % 2, 4]);
  return Math.max(
    raggedDifference(texts, decoding, chunks("all", 3, 1, 2, 1, 2), CAPACITY),
    raggedDifference(texts, decoding, chunks("append", 2, 1, 1, 4, 1), CAPACITY),
  );
}

function runs(reference: Reference): boolean {
  try {
    return [TOTAL, SHORTER].every((length) =>
      reference.whole(length)["y"]!.data.every((number) => Number.isFinite(number)),
    );
  } catch (error) {
    if (error instanceof EvaluationError) return false;
    throw error;
  }
}

/** Whether the first rows stay as they are when the text is shorter. */
function isCausal(reference: Reference): boolean {
  const axis = reference.graph.outputs[0]!.value.type.shape.findIndex(({ key }) => key === "T");
  const short = reference.whole(SHORTER)["y"]!;
  return difference(short, rowsOf(reference.whole(TOTAL)["y"]!, axis, 0, SHORTER)) <= TOLERANCE;
}
