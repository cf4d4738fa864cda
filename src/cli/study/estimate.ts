import { beginningOf, Trainer } from "../../train/trainer.ts";
import { nodeFlops } from "../../ir/stats.ts";
import { evaluateDim } from "../../tensor/dim.ts";
import { trainingEngines } from "../../train/engines.ts";
import { completeDims } from "../../run/sizes.ts";
import { countOf, showBytes } from "../numbers.ts";
import type { Out } from "../out.ts";
import { orStop } from "../stop.ts";
import { EVALUATION_SHARE } from "../train/numbers.ts";
import { prepareTraining } from "../train/prepare.ts";
import { showDuration } from "../train/words.ts";
import { resultOf } from "./folder.ts";
import { jobsOf } from "./jobs.ts";
import type { StudyOptions } from "./options.ts";
import { settingsOf, trainOptionsOf, type Placement } from "./plan.ts";
import { showSet } from "../../study/grid.ts";

/** Steps that are timed, after one that is not. */
const TIMED = 3;

/**
 * Says how many runs, hours and bytes a line asks for: the steps of the placement of middle size are timed, the others take
 * as much longer as they compute more.
 */
export async function estimate(
  folder: string,
  placements: readonly Placement[],
  options: StudyOptions,
  out: Out,
): Promise<void> {
  const costed = placements
    .map((placement) => ({ placement, flops: forwardFlops(placement) }))
    .sort((a, b) => a.flops - b.flops);
  const middle = costed[Math.floor(costed.length / 2)]!;
  const runs = placements.flatMap((placement) => placement.runs);
  const left = runs.filter((run) => resultOf(folder, run) === undefined);
  const jobs = jobsOf(options.jobs, left.length);
  const seconds = await secondsOfStep(middle.placement, options, jobs, out);
  const names = new Set(left.map(({ name }) => name));
  let [time, bytes] = [0, 0];
  for (const { placement, flops } of costed) {
    const own = placement.runs.filter(({ name }) => names.has(name)).length;
    const { steps, accumulate } = placement.read.training.settings;
    const step = (accumulate * seconds * flops) / middle.flops;
    time += own * steps * step * (1 + EVALUATION_SHARE);
    bytes += own * bytesOfRun(placement);
  }
  out.write(
    `${countOf(runs.length, "run")}, ${runs.length - left.length} made; ` +
      `about ${showDuration(time / jobs)} with ${countOf(jobs, "worker")}, ${showBytes(bytes)} in ${folder}\n`,
  );
  const of = showSet(middle.placement.set);
  out.note(
    `by ${TIMED} steps ${of === "" ? "" : `of ${of} `}at ${Number((1000 * seconds).toPrecision(2))} ms each, the others by their FLOP\n`,
  );
}

/** FLOP of a forward pass of one batch. */
function forwardFlops({ read }: Placement): number {
  const { train } = read.model;
  const sizes = orStop(completeDims(train.graph.symbols, new Map(sizesIn(read))));
  return train.graph.nodes.reduce((sum, node) => sum + evaluateDim(nodeFlops(node), sizes), 0);
}

/** The run-time dims as a batch binds them. */
function sizesIn({ model, training }: Placement["read"]): readonly (readonly [string, number])[] {
  const batch = training.batches.at(0);
  return model.train.graph.inputs.flatMap(({ name, value }) =>
    value.type.shape.flatMap((size, axis) => {
      const found = batch[name]?.shape[axis];
      const isSymbol = model.train.graph.symbols.some((symbol) => symbol.name === size.key);
      return found !== undefined && isSymbol ? [[size.key, found] as const] : [];
    }),
  );
}

/** The weights twice, as they are and at their best, and the checkpoint with the moments; metrics and a report beside. */
function bytesOfRun({ read }: Placement): number {
  const { model, training } = read;
  const parameters = model.train.graph.parameters.reduce(
    (sum, { value }) => sum + value.type.shape.reduce((size, axis) => size * Number(axis.key), 1),
    0,
  );
  const { optimizer, steps } = training.settings;
  const kept =
    optimizer.name === "sgd" && optimizer.momentum === 0
      ? 0
      : ["sgd", "lion"].includes(optimizer.name)
        ? 1
        : 2;
  return 4 * parameters * (2 + 1 + kept) + LINE * steps + REPORT;
}

/** Bytes of a line of metrics.jsonl, and of a report. */
const [LINE, REPORT] = [150, 200_000];

async function secondsOfStep(
  { set, read }: Placement,
  options: StudyOptions,
  jobs: number,
  out: Out,
): Promise<number> {
  const base = { ...trainOptionsOf(options), set: settingsOf(set) };
  const { training } = prepareTraining(read.path, base, { ...out, note: () => undefined });
  const make = await trainingEngines[base.target](jobs > 1 ? { threads: 1 } : {});
  const trainer = await Trainer.open(training, make, beginningOf(training));
  try {
    await trainer.advance();
    const start = performance.now();
    for (let step = 0; step < TIMED; step++) await trainer.advance();
    return (performance.now() - start) / 1000 / TIMED;
  } finally {
    trainer.close();
  }
}
