import { kindOfPath } from "../../checkpoint/files/system.ts";
import { nameOfOption } from "../command-line.ts";
import type { Command } from "../command.ts";
import { countOf } from "../numbers.ts";
import { writeJson, type Out } from "../out.ts";
import { stop } from "../stop.ts";
import { requireTaken } from "../targets.ts";
import { addRuns, readStudy, resultOf, sharedOptions, type Study } from "../study/folder.ts";
import { endWithParent, jobsOf, runWorkers, shareOf } from "../study/jobs.ts";
import { studyOptions, type StudyOptions } from "../study/options.ts";
import { defaultStudyFolder, planStudy } from "../study/plan.ts";
import { showResult, showSummary } from "../study/tables.ts";
import { interrupted, makeRuns } from "../study/worker.ts";
import { reportPath, writeSummary } from "../study/write.ts";
import { requireFirstWeights } from "../train/start.ts";
import { showDuration } from "../train/words.ts";

export const command: Command = {
  arguments: [
    { name: "<model.lmg>", description: "the file of the model, or the folder of a study to look at again" },
  ],
  options: studyOptions,
  examples: [
    [
      "lmg study examples/depth.lmg --set variant=pre,post --set depth=8,24 --lr 3e-4:3e-2:5 --seeds 3 --steps 300 --data input.txt -o studies/depth",
      "60 runs, and a table of them; the same line goes on, more values add runs",
    ],
    ["lmg study model.lmg --lr 1e-3,3e-3 --seeds 2 --data input.txt --dry-run", "how long that would take"],
    ["lmg study studies/depth", "the table and the report again, of what is there"],
  ],
  async run([path], options: StudyOptions, out: Out) {
    if (kindOfPath(path!) === "folder") return ofFolder(path!, options, out);
    requireTaken(options, options.target === "interpreter" ? [] : [options.target]);
    requireFirstWeights(options);
    for (const name of ["worker", "share"] as const)
      if (options[name] !== undefined) stop("E804", `--${name} is for the folder of a study`, "leave it out");
    const planned = planStudy(path!, options, out);
    const { placements, ...wanted } = planned;
    const folder = options.out ?? defaultStudyFolder(planned.model);
    if (options.dryRun === true) {
      const { estimate } = await import("../study/estimate.ts");
      return estimate(folder, placements, options, out);
    }
    const study = await addRuns(folder, wanted, placements[0]!.read.sources);
    await make(folder, study, options, out);
    await tell(folder, study, options, out);
  },
};

/** The options that say something of a study that is there. */
const ofThere: ReadonlySet<string> = new Set(["worker", "share", "json"]);

async function ofFolder(folder: string, options: StudyOptions, out: Out): Promise<void> {
  const study = readStudy(folder);
  const all = options as unknown as Readonly<Record<string, unknown>>;
  const other = studyOptions.find((option) => {
    const given = all[nameOfOption(option)];
    return !ofThere.has(nameOfOption(option)) && given !== undefined && given !== option.default;
  });
  if (other !== undefined)
    stop(
      "E804",
      `${/--[a-z-]+/.exec(other.flags)![0]} is for a study that is made, and a folder is looked at`,
      "give the line that began it, with the model: it goes on, and more values add runs",
    );
  if (options.share !== undefined && options.worker !== true)
    stop("E804", "--share is for --worker", "give both, or leave it out");
  if (options.worker !== true) {
    await tell(folder, study, options, out);
    return;
  }
  endWithParent();
  const shared = { ...oneThread, ...sharedOptions(study) };
  const share = shareOf(options.share);
  await makeRuns({ folder, study, shared, share }, out, (result) => out.write(`${showResult(result)}\n`));
}

/** A worker has one core, unless the study says otherwise. */
const oneThread = { threads: "1" } as const;

/** Makes the runs that are left: in this process, or in several. */
async function make(folder: string, study: Study, { jobs }: StudyOptions, out: Out): Promise<void> {
  const left = study.runs.filter((run) => resultOf(folder, run) === undefined);
  const count = jobsOf(jobs, left.length);
  out.note(
    `${folder}: ${countOf(study.runs.length, "run")}, ${study.runs.length - left.length} made; ` +
      `${countOf(count, "worker")}\n`,
  );
  if (left.length === 0) return;
  const start = performance.now();
  let done = 0;
  const onLine = (line: string): void => {
    done++;
    const remaining = ((performance.now() - start) / 1000 / done) * (left.length - done);
    const time = done >= left.length ? "" : ` (${showDuration(Math.max(0, remaining))} left)`;
    out.note(`${study.runs.length - left.length + done} of ${study.runs.length}  ${line}${time}\n`);
  };
  const shared = sharedOptions(study);
  if (count === 1) return makeRuns({ folder, study, shared }, out, (result) => onLine(showResult(result)));
  const ended = await runWorkers(folder, count, onLine);
  if (ended.interrupted) interrupted(folder, study);
  if (ended.failed !== undefined) {
    out.note(ended.failed);
    stop(
      "E870",
      "a worker ended before its runs were made",
      "what it said stands above; the same line goes on",
    );
  }
}

/** Writes what there is of the study, and shows its table. */
async function tell(folder: string, study: Study, { json }: StudyOptions, out: Out): Promise<void> {
  const summary = await writeSummary(folder, study);
  if (json === true) writeJson(out, summary);
  else {
    showSummary(summary, out);
    out.write(`wrote ${reportPath(folder)}\n`);
  }
}
