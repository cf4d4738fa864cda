import { Problem } from "../../checkpoint/problem.ts";
import type { Graph } from "../../ir/graph.ts";
import type { HostTensor } from "../../tensor/host.ts";
import type { Engine } from "../engine.ts";
import { tokenInput, tokenTensor } from "../tokens.ts";

/** How the next tokens of two models differ over a text. */
export interface Agreement {
  /** Positions of the text whose next token was predicted. */
  readonly positions: number;
  /** The share of positions at which both hold the same token for likeliest. */
  readonly agree: number;
  /** The mean of Σ p log(p / q), p being the first model's probabilities, in nats. */
  readonly divergence: number;
  /** e to the mean of -log p of the token that follows. */
  readonly perplexity: readonly [first: number, second: number];
}

export interface AgreementOptions {
  /** The output of logits, [1, T, V]. */
  readonly output: string;
  /** Tokens that are read at once, each part by itself. */
  readonly length: number;
}

/** Reads a text by both engines, part by part, and compares their logits at every position that has a next token. */
export async function measureAgreement(
  graph: Graph,
  engines: readonly [Engine, Engine],
  tokens: readonly number[],
  { output, length }: AgreementOptions,
): Promise<Agreement | Problem> {
  const input = tokenInput(graph);
  if (input instanceof Problem) return input;
  const sums = { positions: 0, agree: 0, divergence: 0, losses: [0, 0] as [number, number] };
  for (let start = 0; start + 1 < tokens.length; start += length) {
    const part = tokens.slice(start, start + length);
    const given = tokenTensor(graph, input, [part]);
    if (given instanceof Problem) return given;
    const [first, second] = [
      await engines[0].run(new Map([[input.name, given]])),
      await engines[1].run(new Map([[input.name, given]])),
    ];
    if (first instanceof Problem) return first;
    if (second instanceof Problem) return second;
    const [a, b] = [first.get(output), second.get(output)];
    if (a === undefined || b === undefined)
      return new Problem("E813", `the model has no output \`${output}\` of logits`, "name one with --output");
    addPart(sums, a, b, part);
  }
  const { positions, agree, divergence, losses } = sums;
  if (positions === 0) return new Problem("E816", "the text has no two tokens", "give a longer one");
  return {
    positions,
    agree: agree / positions,
    divergence: divergence / positions,
    perplexity: [Math.exp(losses[0] / positions), Math.exp(losses[1] / positions)],
  };
}

interface Sums {
  positions: number;
  agree: number;
  divergence: number;
  readonly losses: [number, number];
}

function addPart(sums: Sums, a: HostTensor, b: HostTensor, tokens: readonly number[]): void {
  const size = a.shape.at(-1)!;
  for (let row = 0; row + 1 < tokens.length; row++) {
    const [p, q] = [a, b].map(({ data }) => data.subarray(row * size, (row + 1) * size)) as [Row, Row];
    const [first, second] = [likeliest(p), likeliest(q)];
    const { logs, divergence } = compareRows(p, q, p[first]!, q[second]!);
    const next = tokens[row + 1]!;
    sums.positions++;
    if (first === second) sums.agree++;
    sums.losses[0] += logs[0] - p[next]!;
    sums.losses[1] += logs[1] - q[next]!;
    sums.divergence += divergence;
  }
}

type Row = HostTensor["data"];

function likeliest(logits: Row): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}

/**
 * Logits so far below the largest count for nothing: e^-60 times the 10^6 tokens of the largest vocabularies is far below what
 * float64 tells from 1. Their powers are most of the work.
 */
const LEAST = -60;

/**
 * Of two rows of logits, whose largest ones are known: log Σ e^logit of each, and Σ p log(p / q), in one pass: with s = Σ e^(a - m)
 * and log p = a - m - log s the divergence is Σ p (a - b), less the difference of what is taken off.
 */
function compareRows(
  a: Row,
  b: Row,
  largestA: number,
  largestB: number,
): { readonly logs: readonly [number, number]; readonly divergence: number } {
  let [sumA, sumB, apart] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]!, b[i]!];
    // What is no number is as far from the least as can be.
    if (!(x - largestA < LEAST)) {
      const power = Math.exp(x - largestA);
      sumA += power;
      apart += power * (x - y);
    }
    if (!(y - largestB < LEAST)) sumB += Math.exp(y - largestB);
  }
  const logs = [largestA + Math.log(sumA), largestB + Math.log(sumB)] as const;
  return { logs, divergence: apart / sumA - logs[0] + logs[1] };
}
