import type { Switches, TargetName } from "../../emit/targets.ts";
import { openCeilings, type CeilingFinder, type Ceilings } from "../../run/bench/ceilings.ts";
import { measure } from "../../run/bench/measure.ts";
import { openSubject, type Subject } from "../../run/bench/subject.ts";
import { showDims } from "../../run/sizes.ts";
import { plural } from "../../support/text.ts";
import { parseDims, parseNumber } from "../arguments.ts";
import { prepare, trafficOfSubject, type Prepared } from "../bench/prepare.ts";
import { reportsOf, type TargetReport } from "../bench/report.ts";
import { showCeilings, showRuns, showSteps } from "../bench/text.ts";
import type { Command } from "../command.ts";
import { writeJson, type Out } from "../out.ts";
import { readSource, stdinOption, type StdinOptions } from "../places.ts";
import { weightOptions, type WeightChoice } from "../run/chosen.ts";
import { quantizeOptions, type QuantizeOptions } from "../run/quantized.ts";
import { withTrainedRun } from "../run/trained.ts";
import { modelOptions, modelOrRunArgument, outputOption, passOptions, type ModelOptions } from "../source.ts";
import { orStop } from "../stop.ts";
import {
  dawnOption,
  defaultTarget,
  engineOptionsOf,
  parseTargets,
  requireTaken,
  runTargetOption,
  severalTargets,
  switchOptions,
  threadsOption,
  type DawnOptions,
  type ThreadOptions,
} from "../targets.ts";

interface BenchOptions
  extends
    Omit<ModelOptions, "config">,
    StdinOptions,
    WeightChoice,
    QuantizeOptions,
    Switches,
    DawnOptions,
    ThreadOptions {
  readonly target?: TargetName;
  readonly compare?: string;
  readonly dims?: string;
  readonly seed: string;
  readonly rounds: string;
  readonly train?: true;
  readonly json?: true;
}

export const command: Command = {
  arguments: [modelOrRunArgument],
  options: [
    ...modelOptions,
    outputOption,
    stdinOption,
    runTargetOption(),
    { flags: "--compare <names>", description: `targets to time beside it: ${severalTargets(",")}` },
    { flags: "--train", description: "a training step of the model: forward, loss, backward and update" },
    {
      flags: "--dims <sizes>",
      description:
        "run-time dims, such as B=1,T=128; 1 and T=128 if not given, with --train the model's batch",
    },
    { flags: "--seed <number>", description: "of the random inputs", default: "0" },
    { flags: "--rounds <count>", description: "how often all are timed in turns", default: "10" },
    { flags: "--json", description: "all numbers as JSON: seconds, operations, bytes" },
    ...weightOptions,
    ...quantizeOptions,
    ...switchOptions,
    threadsOption,
    dawnOption,
    ...passOptions,
  ],
  examples: [
    ["lmg bench model.lmg", "the time of each step, and what limits it; random weights if none are named"],
    ["lmg bench gpt2.lmg --weights FOLDER --dims T=1024 --threads 1", "of a published checkpoint"],
    ["lmg bench model.lmg --compare ts,wgsl", "targets side by side, in turns"],
    ["lmg bench digits.lmg --train", "a training step"],
  ],
  async run([given], asked: BenchOptions, out) {
    const { model, options } =
      asked.train === true ? { model: given!, options: asked } : withTrainedRun(given!, asked);
    const names = chosenTargets(options);
    requireTaken(options, names, (target) => `let --compare name ${target}`);
    const rounds = orStop(parseNumber("--rounds", options.rounds, 1, 10_000, true));
    const seed = orStop(parseNumber("--seed", options.seed, 0, 2 ** 32 - 1, true));
    const dims = orStop(parseDims(options.dims));
    const source = await readSource(model, options, out);
    const prepared = await prepare(source, options, { names, dims, seed }, out);
    await bench(prepared, options, rounds, out);
  },
};

/** That of --target, and those of --compare beside it. */
function chosenTargets({ target = defaultTarget, compare }: BenchOptions): readonly TargetName[] {
  const beside = compare === undefined ? [] : parseTargets("--compare", compare);
  return [...new Set([target, ...beside])];
}

async function bench(prepared: Prepared, options: BenchOptions, rounds: number, out: Out): Promise<void> {
  const subjects: Subject[] = [];
  const finders: CeilingFinder[] = [];
  try {
    for (const { target, plan } of prepared.plans)
      subjects.push(orStop(await openSubject(target, plan, prepared.given, engineOptionsOf(options))));
    for (const threads of new Set(subjects.map((subject) => subject.threads)))
      if (threads > 0) finders.push(orStop(await openCeilings(threads)));
    const samples = orStop(await measure(subjects, finders, rounds));
    const ceilings = finders.map((finder) => finder.best());
    const reports = reportsOf(
      subjects.map((subject, index) => ({
        subject,
        samples: samples[index]!,
        traffic: trafficOfSubject(subject, prepared.sizes, options),
        ceilings: ceilings.find(({ threads }) => threads === subject.threads),
      })),
      prepared.unit.count,
    );
    const found = { prepared, rounds, ceilings, reports };
    if (options.json === true) writeJson(out, describe(found));
    else out.write(show(found));
  } finally {
    for (const each of [...finders, ...subjects]) each.close();
  }
}

/** All that was found. */
interface Found {
  readonly prepared: Prepared;
  readonly rounds: number;
  readonly ceilings: readonly Ceilings[];
  readonly reports: readonly TargetReport[];
}

const describe = ({ prepared: { plans, sizes, unit, from }, rounds, ceilings, reports }: Found): object => ({
  name: plans[0]!.plan.name,
  weights: from,
  dims: Object.fromEntries(sizes),
  unit: unit.name,
  units: unit.count,
  rounds,
  ceilings,
  targets: reports,
});

/** The head, the ceilings, a table of steps for each target, and one of whole runs. */
function show({ prepared: { plans, sizes, unit, from }, rounds, ceilings, reports }: Found): string {
  const dims = sizes.size === 0 ? "" : `, ${showDims(sizes)}`;
  const head = `${plans[0]!.plan.name}; ${from}${dims}; ${plural(rounds, "round")}\n`;
  const steps = reports.filter((report) => report.steps.length > 0).map(showSteps);
  return [head, ...ceilings.map(showCeilings), ...steps, showRuns(reports, unit)].join("\n");
}
