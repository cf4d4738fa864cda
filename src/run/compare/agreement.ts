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
    const [p, q] = [a, b].map(({ data }) => logProbabilities(data, row * size, size)) as [Row, Row];
    sums.positions++;
    if (p.likeliest === q.likeliest) sums.agree++;
    const next = tokens[row + 1]!;
    sums.losses[0] -= p.logs[next]!;
    sums.losses[1] -= q.logs[next]!;
    for (let i = 0; i < size; i++) {
      const log = p.logs[i]!;
      sums.divergence += Math.exp(log) * (log - q.logs[i]!);
    }
  }
}

interface Row {
  readonly logs: Float64Array;
  readonly likeliest: number;
}

function logProbabilities(logits: ArrayLike<number>, start: number, size: number): Row {
  let likeliest = 0;
  for (let i = 1; i < size; i++) if (logits[start + i]! > logits[start + likeliest]!) likeliest = i;
  const largest = logits[start + likeliest]!;
  let sum = 0;
  for (let i = 0; i < size; i++) sum += Math.exp(logits[start + i]! - largest);
  const log = largest + Math.log(sum);
  return { logs: Float64Array.from({ length: size }, (_, i) => logits[start + i]! - log), likeliest };
}
