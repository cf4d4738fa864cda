import type { Graph } from "../../src/ir/graph.ts";
import type { HostTensor } from "../../src/tensor/host.ts";
import { symbolDim } from "../../src/tensor/dim.ts";
import { RandomStream } from "../../src/tensor/random.ts";
import { tensorType } from "../../src/tensor/type.ts";
import { moves, widths, type Move } from "./moves.ts";
import { inputData, Pool, type Entry } from "./pool.ts";

/** A graph, and what it is run on. */
export interface Case {
  readonly graph: Graph;
  readonly parameters: Readonly<Record<string, HostTensor>>;
  /** Inputs of the runs of one model, one after the other: what a run leaves behind may not show in the next. */
  readonly runs: readonly Readonly<Record<string, HostTensor>>[];
}

/** Few rows, which have kernels of their own, a tile's, and more. */
const rowCounts = [1, 2, 3, 4, 5, 9, 17, 65, 129, 200];

/** Elements of the widest input, and multiply-adds of a product: of most graphs few, so that many can be run. */
const budgets = { most: { elements: 800, products: 150_000 }, some: { elements: 3000, products: 500_000 } };

const SHARE_LARGE = 0.15;

/** Adds up to `count` moves. */
export function grow(pool: Pool, count: number, list: readonly (readonly [number, Move])[] = moves): void {
  const total = list.reduce((sum, [weight]) => sum + weight, 0);
  const pick = (): Move => {
    let left = pool.random.uniform() * total;
    return (list.find(([weight]) => (left -= weight) < 0) ?? list[0]!)[1];
  };
  for (let left = count, tries = 40; left > 0 && tries > 0; tries--) if (pick()(pool) !== undefined) left--;
}

/** What nodes make, and no one gives. */
export const isMade = ({ value }: Entry): boolean => value.hint === undefined;

export const inputsOf = (
  graph: Graph,
  sizes: ReadonlyMap<string, number>,
  seed: number,
): Record<string, HostTensor> =>
  Object.fromEntries(graph.inputs.map(({ name, value }) => [name, inputData(name, value, sizes, seed)]));

/** A random graph of one to twelve moves over [D], [B, D] or [B, T, D]; what is asked for is one to three of its values. */
export function randomCase(seed: number): Case {
  const random = new RandomStream(seed, "sizes");
  const pick = (list: readonly number[]): number => list[random.below(list.length)]!;
  const rank = 1 + random.below(3);
  const width = pick(widths);
  const budget = random.uniform() < SHARE_LARGE ? budgets.some : budgets.most;
  const fits = (rows: number): boolean => rows * width <= budget.elements;
  const B = rank === 1 ? 2 : pick(rank === 3 ? [1, 2, 3].filter(fits) : rowCounts.filter(fits));
  const T = rank === 3 ? pick(rowCounts.filter((rows) => fits(rows * B))) : 3;
  const sizes = new Map([
    ["B", B],
    ["T", T],
  ]);
  const pool = new Pool(seed, sizes, budget.products);
  const [batch, rows] = ["B", "T"].map(symbolDim) as [
    ReturnType<typeof symbolDim>,
    ReturnType<typeof symbolDim>,
  ];
  const x = tensorType("f32", ...[batch, rows].slice(0, rank - 1), width);
  const ids = pool.input(tensorType("i32", batch, rows));
  pool.input(tensorType("bool", ...x.shape));
  if (pool.chance(0.3)) pool.input(tensorType("i32", ...x.shape));
  pool.input(x);
  if (pool.chance(0.3)) pool.input(x);
  // What is computed has no owner outside the arena, which is where tensors take each other's places.
  const start = pool.entries.at(-1)!;
  if (pool.chance(0.8)) pool.one(pool.pick(["relu", "tanh", "abs", "neg"] as const), { x: start });
  const first = pool.entries.length;
  grow(pool, 1 + random.below(12));
  const made = pool.entries.slice(first).filter(isMade);
  const outputs = new Set([made.at(-1) ?? ids]);
  for (let more = random.below(3); more > 0 && made.length > 0; more--)
    outputs.add(made[random.below(made.length)]!);
  const graph = pool.graph([...outputs]);
  const other = new Map([
    ["B", Math.max(1, B - 1)],
    ["T", T + 2],
  ]);
  const runs = [sizes, other].map((each) => inputsOf(graph, each, seed));
  return { graph, parameters: pool.parameters, runs };
}
