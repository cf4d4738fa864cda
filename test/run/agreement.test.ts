import { expect, test } from "vitest";
import { Problem } from "../../src/checkpoint/problem.ts";
import { measureAgreement, type Agreement } from "../../src/run/compare/agreement.ts";
import type { Engine } from "../../src/run/engine.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { RandomStream } from "../../src/tensor/random.ts";
import { graphOf } from "../states/graphs.ts";

const VOCABULARY = 50;
const graph = graphOf(`graph g {
  dim T
  input %tokens: i32[1, T]
  parameter %table: f32[${VOCABULARY}, ${VOCABULARY}] = constant(0) "table"
  %logits: f32[1, T, ${VOCABULARY}] = embedding(table: %table, ids: %tokens)
  output logits = %logits
}
`);

/** Logits of each token of a vocabulary by the token before, drawn, of so many apart. */
function table(seed: number, apart: number): readonly (readonly number[])[] {
  const random = new RandomStream(seed, "logits");
  return Array.from({ length: VOCABULARY }, () =>
    Array.from({ length: VOCABULARY }, () => Math.fround(apart * random.normal())),
  );
}

const engineOf = (rows: readonly (readonly number[])[]): Engine => ({
  description: "drawn logits",
  close: () => undefined,
  run: (inputs) => {
    const ids = [...inputs.get("tokens")!.data];
    const logits = hostTensor("f32", [1, ids.length, VOCABULARY], ids.map((id) => rows[id]!).flat());
    return Promise.resolve(new Map([["logits", logits]]));
  },
});

const probabilities = (row: readonly number[]): number[] => {
  const largest = Math.max(...row);
  const powers = row.map((logit) => Math.exp(logit - largest));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
};

/** By the definitions, term by term. */
function expectedOf(
  p: ReturnType<typeof table>,
  q: ReturnType<typeof table>,
  parts: readonly number[][],
): Agreement {
  const pairs = parts.flatMap((part) => part.slice(1).map((next, at) => [part[at]!, next] as const));
  const mean = (of: (id: number, next: number) => number): number =>
    pairs.reduce((sum, [id, next]) => sum + of(id, next), 0) / pairs.length;
  const of = (rows: ReturnType<typeof table>, id: number): number[] => probabilities(rows[id]!);
  const best = (row: readonly number[]): number => row.indexOf(Math.max(...row));
  return {
    positions: pairs.length,
    agree: mean((id) => (best(p[id]!) === best(q[id]!) ? 1 : 0)),
    divergence: mean((id) => {
      const other = of(q, id);
      return of(p, id).reduce((sum, x, i) => (x === 0 ? sum : sum + x * Math.log(x / other[i]!)), 0);
    }),
    perplexity: [
      Math.exp(mean((id, next) => -Math.log(of(p, id)[next]!))),
      Math.exp(mean((id, next) => -Math.log(of(q, id)[next]!))),
    ],
  };
}

const tokens = Array.from({ length: 45 }, (_, i) => (i * 17 + (i % 7)) % VOCABULARY);

test.each([
  ["close together", 1, 1],
  // Most are more than e^-60 less likely than the likeliest.
  ["far apart", 80, 60],
])(
  "logits that are %s: agreement, divergence and perplexity are those of the definitions",
  async (_, a, b) => {
    const [p, q] = [table(1, a), table(2, b)];
    // A third of them are alike, so that some positions agree.
    const mixed = q.map((row, id) => (id % 3 === 0 ? p[id]! : row));
    const found = await measureAgreement(graph, [engineOf(p), engineOf(mixed)], tokens, {
      output: "logits",
      length: 20,
    });
    if (found instanceof Problem) throw new Error(found.message);
    const expected = expectedOf(p, mixed, [tokens.slice(0, 20), tokens.slice(20, 40), tokens.slice(40)]);
    expect(found.positions).toBe(expected.positions);
    expect(found.agree).toBe(expected.agree);
    expect(found.agree).toBeGreaterThan(0.2);
    const close = (value: number, wanted: number): void => {
      expect(Math.abs(value - wanted) / wanted).toBeLessThan(1e-9);
    };
    close(found.divergence, expected.divergence);
    found.perplexity.forEach((value, index) => {
      close(value, expected.perplexity[index]!);
    });
  },
);

test("a logit that is no number makes the divergence none", async () => {
  const p = table(1, 1);
  const broken = p.map((row) => row.map((logit, i) => (i === 3 ? NaN : logit)));
  const found = await measureAgreement(graph, [engineOf(p), engineOf(broken)], tokens, {
    output: "logits",
    length: 20,
  });
  if (found instanceof Problem) throw new Error(found.message);
  expect(found.divergence).toBeNaN();
  expect(found.perplexity[1]).toBeNaN();
});
