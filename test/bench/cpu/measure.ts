import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Child } from "../child.ts";
import { median } from "../statistics.ts";
import type { Contender, Engine } from "./engines.ts";
import type { Row } from "./job.ts";
import { differenceOf } from "./parity.ts";
import { nodeChild, type NodeCommand } from "./node.ts";
import type { ModelFiles, RunFiles } from "./prepare.ts";

/** An engine that has loaded the models of a job. */
export interface Racer {
  readonly engine: Engine;
  /** What it says of how it loaded them. */
  readonly note: string | undefined;
  readonly child: Child;
}

/** Milliseconds of a call in a round. */
export interface Time {
  readonly ms: number;
  /** Of all threads together: what else the machine does hardly changes it. Unknown in a page. */
  readonly cpu?: number;
}

/** What an engine made of a row. */
export interface Measured {
  readonly engine: Contender;
  readonly note: string | undefined;
  /** By round. */
  readonly times: readonly Time[];
  /** From the first engine's result, relative to its largest element. */
  readonly difference: number;
  /** Bytes of memory that the process has; unknown of one that has ended. */
  readonly memory: number | undefined;
}

/** How long to measure. */
export interface Effort {
  readonly rounds: number;
  /** Milliseconds at least that a round gives each run of each engine. */
  readonly ms: number;
}

export type LeftOut = (engine: Engine, reason: string) => void;

/** Asks, and throws what the other side could not do. */
async function ask<T>({ child }: Pick<Racer, "child">, request: object): Promise<T> {
  const answer = (await child.ask(request)) as { readonly error?: string };
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer as T;
}

/** The engines that can load the models, each in a process of its own; `first` is a run of each model. */
export async function openRacers(
  node: NodeCommand,
  engines: readonly Engine[],
  models: readonly { readonly files: ModelFiles; readonly first: RunFiles }[],
  leftOut: LeftOut,
): Promise<readonly Racer[]> {
  const racers: Racer[] = [];
  for (const engine of engines) {
    if (!models.every(({ files }) => engine.takes(files))) continue;
    const child = nodeChild(node, engine.args);
    try {
      await child.next();
      let note: string | undefined;
      for (const [name, { files, first }] of models.entries())
        ({ note } = await ask<{ note?: string }>({ child }, { load: String(name), files, run: first }));
      racers.push({ engine, note, child });
    } catch (error) {
      leftOut(engine, (error as Error).message);
      child.close();
    }
  }
  return racers;
}

/** What each takes in each round; who begins changes from round to round, so that what else runs meets all alike. */
export async function inTurns<T>(
  all: readonly T[],
  rounds: number,
  take: (each: T) => Promise<Time>,
): Promise<ReadonlyMap<T, readonly Time[]>> {
  const taken = new Map<T, Time[]>(all.map((each) => [each, []]));
  for (let round = 0; round < rounds; round++)
    for (let turn = 0; turn < all.length; turn++) {
      const each = all[(turn + round) % all.length]!;
      taken.get(each)!.push(await take(each));
    }
  return taken;
}

/** Results of contenders, each held against the first one's, with the times that they took. */
export function heldToFirst(
  results: ReadonlyMap<Contender, Float32Array>,
  times: ReadonlyMap<Contender, readonly Time[]>,
): readonly Measured[] {
  const [base] = results.values();
  return [...results].map(([engine, elements]) => ({
    engine,
    note: undefined,
    times: times.get(engine)!,
    difference: differenceOf(base!, elements),
    memory: undefined,
  }));
}

/** One row by all engines that have loaded its models. */
export async function measureRow(
  row: Row,
  runs: readonly RunFiles[],
  racers: readonly Racer[],
  effort: Effort,
  folder: string,
  leftOut: LeftOut,
): Promise<readonly Measured[]> {
  const results = new Map<Racer, { readonly elements: readonly Float32Array[]; readonly memory: number }>();
  for (const racer of racers)
    try {
      results.set(racer, await prepareRuns(row, runs, racer, folder));
    } catch (error) {
      leftOut(racer.engine, `${row.name}: ${(error as Error).message}`);
    }
  const able = [...results.keys()];
  const times = await inTurns(able, effort.rounds, (racer) => timeOf(row, racer, effort));
  const base = results.get(able[0]!)?.elements;
  return able.map((racer) => {
    const { elements, memory } = results.get(racer)!;
    const differences = elements.map((each, index) => differenceOf(base![index]!, each));
    const difference = differences.reduce((most, each) => Math.max(most, each));
    return { engine: racer.engine, note: racer.note, times: times.get(racer)!, difference, memory };
  });
}

/** Warm-up: until a second has passed, optimizing compilers have come to what is hot. */
const WARM_UP = { ms: 1000, least: 2 };

/** Prepares the runs of a row, and gives what each makes, whole. */
async function prepareRuns({ runs }: Row, files: readonly RunFiles[], racer: Racer, folder: string) {
  const elements: Float32Array[] = [];
  let memory = 0;
  for (const [index, { model }] of runs.entries()) {
    const name = String(index);
    await ask(racer, { prepare: name, model: String(model), run: files[index] });
    await ask(racer, { time: name, ...WARM_UP });
    const path = join(folder, "result.bin");
    memory = (await ask<{ bytes: number }>(racer, { result: name, path })).bytes;
    elements.push(readResult(path));
  }
  return { elements, memory };
}

export const readResult = (path: string): Float32Array =>
  new Float32Array(new Uint8Array(readFileSync(path)).buffer);

/** The median of a round's runs; or what the longer chain takes more, by call. */
async function timeOf({ runs, calls }: Row, racer: Racer, { ms }: Effort): Promise<Required<Time>> {
  const times: Required<Time>[] = [];
  for (const index of runs.keys()) {
    const request = { time: String(index), ms, least: 1 };
    const answer = await ask<{ ms: readonly number[]; cpu: number }>(racer, request);
    times.push({ ms: median(answer.ms), cpu: answer.cpu });
  }
  const of = (kind: keyof Time): number =>
    (times.at(-1)![kind] - (times.length > 1 ? times[0]![kind] : 0)) / calls;
  return { ms: of("ms"), cpu: of("cpu") };
}
