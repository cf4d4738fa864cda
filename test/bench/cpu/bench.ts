import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "./engines.ts";
import { measureFirst } from "./first.ts";
import type { Job, Row } from "./job.ts";
import { measureRow, openRacers, type Measured } from "./measure.ts";
import { nodeVersion } from "./node.ts";
import type { Options } from "./options.ts";
import { writeModel, writeRun, type ModelFiles, type RunFiles } from "./prepare.ts";
import { describeFigure, figuresOf, type Figure } from "./report.ts";
import { moduleSize, type SizeRow } from "./sizes.ts";

/** The rows of a job that are asked for, with what its engines are given. */
interface Prepared {
  readonly job: Job;
  readonly rows: readonly Row[];
  readonly models: readonly { readonly files: ModelFiles; readonly first: RunFiles }[];
  readonly runs: ReadonlyMap<Row, readonly RunFiles[]>;
}

/** Measures jobs, tells of each row as it is done, and gathers what came of them. */
export class Bench {
  /** By the Node executable. */
  readonly figures = new Map<string, Figure[]>();
  readonly sizes: SizeRow[] = [];
  /** What came out otherwise than the first engine has it. */
  readonly mistakes: string[] = [];
  readonly #options: Options;
  readonly #engines: readonly Engine[];
  readonly #folder: string;

  /** What engines are given lies in a folder as long as it is needed. */
  constructor(options: Options, engines: readonly Engine[], folder: string) {
    this.#options = options;
    this.#engines = engines;
    this.#folder = folder;
    for (const node of options.nodes) this.figures.set(node, []);
  }

  async measure(job: Job): Promise<void> {
    const rows = job.rows.filter(({ name }) => this.#options.rows.test(name));
    if (rows.length === 0) return;
    const at = join(this.#folder, "job");
    mkdirSync(at);
    const prepared = await this.#prepare(job, rows, at);
    if (this.#options.sizes && job.models.length === 1)
      for (const kernels of this.#options.kernels)
        this.sizes.push(await moduleSize(job.name, kernels, prepared.models[0]!.files.modules[kernels]!));
    for (const node of this.#options.nodes) await this.#measureWith(node, prepared);
    rmSync(at, { recursive: true });
  }

  async #prepare(job: Job, rows: readonly Row[], at: string): Promise<Prepared> {
    const runs = new Map(
      rows.map((row, number) => [
        row,
        row.runs.map((run, index) =>
          writeRun(job.models[run.model]!, run, join(at, `${number}-${index}.safetensors`)),
        ),
      ]),
    );
    const models = [];
    for (const [index, model] of job.models.entries()) {
      const files = await writeModel(model, this.#options.kernels, join(at, String(index)));
      // Whoever has a choice of forms makes it by the last row, which is the largest.
      const row = rows.findLast((each) => each.runs.some((run) => run.model === index))!;
      const first = runs.get(row)![row.runs.findIndex((run) => run.model === index)]!;
      models.push({ files, first });
    }
    return { job, rows, models, runs };
  }

  async #measureWith(node: string, { job, rows, models, runs }: Prepared): Promise<void> {
    const [options, engines, folder] = [this.#options, this.#engines, this.#folder];
    const leftOut = (engine: Engine, reason: string): void =>
      console.log(`  left out: ${engine.name}, ${engine.threads} threads: ${reason}`);
    for (const row of rows.filter(({ from }) => from === "start")) {
      const [run] = runs.get(row)!;
      const measured = await measureFirst(node, engines, models[0]!.files, run!, options, folder, leftOut);
      this.#tell(node, job, row, measured);
    }
    const warm = rows.filter(({ from }) => from === "model");
    if (warm.length === 0) return;
    const racers = await openRacers(node, engines, models, leftOut);
    try {
      for (const row of warm)
        this.#tell(node, job, row, await measureRow(row, runs.get(row)!, racers, options, folder, leftOut));
    } finally {
      for (const { child } of racers) child.close();
    }
  }

  #tell(node: string, { tolerance }: Job, { name }: Row, measured: readonly Measured[]): void {
    const title = `${name}, Node ${nodeVersion(node)}`;
    console.log(title);
    for (const figure of figuresOf(name, measured)) {
      this.figures.get(node)!.push(figure);
      console.log(`  ${describeFigure(figure)}`);
      // Numbers of threads never change a bit of lmg's.
      const allowed = figure.engine === measured[0]!.engine.name ? 0 : tolerance;
      if (figure.difference > allowed)
        this.mistakes.push(`${title}: ${figure.engine} is ${figure.difference} apart`);
    }
  }
}
