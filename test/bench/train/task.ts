import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { optimizerOf, stepScalars } from "../../../src/autodiff/train/optimizer.ts";
import { initialState } from "../../../src/autodiff/train/initial.ts";
import { learningRate } from "../../../src/autodiff/train/schedule.ts";
import { trainingStep } from "../../../src/autodiff/train/step.ts";
import { compile } from "../../../src/compile.ts";
import { emitTypeScript } from "../../../src/emit/ts/emit.ts";
import { runPasses } from "../../../src/passes/pipeline.ts";
import { planGraph } from "../../../src/plan/build.ts";
import { showDiagnostic } from "../../../src/support/diagnostic.ts";
import { sizeOf, type HostTensor } from "../../../src/tensor/host.ts";

/** What is trained: a model, and its batches side by side. */
export interface Workload {
  readonly model: "digits" | "lm";
  readonly about: string;
  readonly path: string;
  readonly settings: Readonly<Record<string, number>>;
  /** `[N, B, ..]`: the steps take them in turn. */
  readonly inputs: HostTensor;
  readonly targets: HostTensor;
}

/** How many steps the schedule is made for, and the seed of the weights. */
const SCHEDULE = 2000;
const SEED = 1;

/**
 * A folder with all that a runner needs: `step.mjs`, lmg's emitted training step; `task.json`, the settings, the learning
 * rate and Adam's corrections of each step; `tensors.bin`, the batches and the weights that every runner begins with.
 */
export function writeTask(workload: Workload, threads: number, steps: number): string {
  const { model: name, path, settings, inputs, targets } = workload;
  const resolveUse = (use: string, from: { readonly name: string }) => {
    const file = join(dirname(from.name), use);
    return { name: file, text: readFileSync(file, "utf8") };
  };
  const source = { name: path, text: readFileSync(path, "utf8") };
  const { model, diagnostics } = compile(source, { settings, resolveUse, training: true });
  const train = model?.train;
  if (train?.optimizer === undefined)
    throw new Error(diagnostics.map((each) => showDiagnostic(each)).join("\n"));
  const optimizer = optimizerOf(train.optimizer);
  const { update } = trainingStep(train.graph, { optimizer, clip: train.clip });
  const plan = planGraph(runPasses(update.graph), {
    state: update.state.map(({ name: input, next: output }) => ({ input, output })),
  });

  const rate = train.optimizer.options["lr"] as number;
  const rates = Array.from({ length: steps }, (_, step) =>
    learningRate(train.schedule, rate, step, SCHEDULE),
  );
  const parameters = update.state.filter(({ kind }) => kind !== "optimizer");
  const bundle = new Bundle();
  bundle.add("inputs", inputs);
  bundle.add("targets", targets);
  for (const [key, tensor] of Object.entries(initialState(parameters, SEED)))
    bundle.add(`parameter.${key}`, tensor);

  const folder = mkdtempSync(join(tmpdir(), "lmg-train-"));
  writeFileSync(join(folder, "step.mjs"), emitTypeScript(plan, { types: false }).files[0]!.text);
  writeFileSync(join(folder, "tensors.bin"), bundle.bytes());
  const task = {
    model: name,
    settings,
    threads,
    optimizer,
    clip: train.clip,
    names: [model!.graph.inputs[0]!.name, train.targets[0]!],
    rates,
    scalars: rates.map((each, step) => stepScalars(optimizer, each, step)),
    tensors: bundle.entries,
  };
  writeFileSync(join(folder, "task.json"), JSON.stringify(task));
  return folder;
}

/** Tensors one after another; where each lies is `[dtype, shape, offset in bytes]`. */
class Bundle {
  readonly entries: Record<string, readonly ["f32" | "i32", readonly number[], number]> = {};
  readonly #parts: Buffer[] = [];
  #size = 0;

  add(name: string, { dtype, shape, data }: HostTensor): void {
    const kind = dtype === "i32" ? "i32" : "f32";
    const array = kind === "i32" ? Int32Array.from(data) : Float32Array.from(data);
    if (array.length !== sizeOf(shape)) throw new Error(`${name} has ${array.length} elements`);
    this.entries[name] = [kind, shape, this.#size];
    this.#parts.push(Buffer.from(array.buffer));
    this.#size += array.byteLength;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}
