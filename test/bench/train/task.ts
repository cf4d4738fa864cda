import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { stepScalars } from "../../../src/autodiff/train/optimizer.ts";
import { learningRate } from "../../../src/autodiff/train/schedule.ts";
import { Problem } from "../../../src/checkpoint/problem.ts";
import { targets, type TargetName } from "../../../src/emit/targets.ts";
import { planOfPart } from "../../../src/plan/plan.ts";
import { initialTensors } from "../../../src/ir/initialize.ts";
import { parse } from "../../../src/language/parse.ts";
import { showDiagnostic } from "../../../src/support/diagnostic.ts";
import { sizeOf, type HostTensor } from "../../../src/tensor/host.ts";
import type { Batches } from "../../../src/train/data/batches.ts";
import { openData } from "../../../src/train/data/open.ts";
import { textOf } from "../../../src/train/data/source.ts";
import { wantedOf } from "../../../src/train/data/wanted.ts";
import { tokenizerFor } from "../../../src/text/tokenizer-for.ts";
import { lowerForTraining, trainingProgram, type TrainableModel } from "../../../src/train/program.ts";
import { settingsOf, stepOptionsOf } from "../../../src/train/settings.ts";
import type { Workload } from "./workloads.ts";

/** The targets whose steps are timed. */
export const timedTargets = ["wasm", "ts"] as const satisfies readonly TargetName[];

/**
 * A folder with all that a runner needs of a training as `lmg train` does it: `wasm.mjs` and `ts.mjs`, the emitted training
 * step; `task.json`, the settings, the learning rate and Adam's corrections of each step; `tensors.bin`, the batches `[N, B, ..]`
 * and the weights that every runner begins with.
 */
export async function writeTask(workload: Workload, threads: number, steps: number): Promise<string> {
  const model = lowered(workload);
  const data = opened(workload, model);
  const settings = orThrow(settingsOf(model.train, data, {}));
  const programs = timedTargets.map((name) => {
    const target = targets[name].target({});
    return { name, ...trainingProgram(model, stepOptionsOf(settings), { target }).program! };
  });
  const { optimizer, rate, schedule, seed, clip } = settings;
  const rates = Array.from({ length: steps }, (_, step) =>
    learningRate(schedule, rate, step, settings.steps),
  );
  const [input, target] = [model.training.graph.inputs[0]!.name, model.train.targets[0]!];

  const bundle = new Bundle();
  const batches = rates.map((_, step) => data.at(step));
  bundle.add(
    "inputs",
    batches.map((batch) => batch[input]!),
  );
  bundle.add(
    "targets",
    batches.map((batch) => batch[target]!),
  );
  const weights = programs[0]!.update.graph.states.filter(({ kind }) => kind !== "optimizer");
  for (const [name, tensor] of Object.entries(initialTensors(weights, seed)))
    bundle.add(`parameter.${name}`, tensor);

  const folder = mkdtempSync(join(tmpdir(), "lmg-train-"));
  const task = {
    model: workload.model,
    settings: workload.settings,
    threads,
    optimizer,
    clip,
    names: [input, target],
    rates,
    scalars: rates.map((each, step) => stepScalars(optimizer, each, step)),
    tensors: bundle.entries,
  };
  for (const { name, plan, update } of programs) {
    const emit = await targets[name].load();
    const [module] = emit(planOfPart(plan, update.plan), { types: false });
    writeFileSync(join(folder, `${name}.mjs`), module!.text);
  }
  writeFileSync(join(folder, "task.json"), JSON.stringify(task));
  writeFileSync(join(folder, "tensors.bin"), bundle.bytes());
  return folder;
}

function orThrow<T>(value: T | Problem): T {
  if (value instanceof Problem) throw new Error(value.message);
  return value;
}

/** The model of a workload, lowered for training. */
export function lowered({ path, settings }: Workload): TrainableModel {
  const resolveUse = (use: string, from: { readonly name: string }) => {
    const name = join(dirname(from.name), use);
    return { name, text: readFileSync(name, "utf8") };
  };
  const { file } = parse({ name: path, text: readFileSync(path, "utf8") });
  const { model, diagnostics } = lowerForTraining(file, { settings, resolveUse });
  if (model === undefined) throw new Error(diagnostics.map((each) => showDiagnostic(each)).join("\n"));
  return model;
}

/** Its data as batches. */
export function opened({ model: kind, data }: Workload, { train }: TrainableModel): Batches {
  const text = kind === "lm" ? orThrow(textOf(data[0]!)) : undefined;
  const tokenizer =
    text === undefined ? undefined : orThrow(tokenizerFor(text, { kind: "characters" }, data[0]!.name));
  const options = { batch: train.batch!, seed: train.seed ?? 0, tokenizer };
  return orThrow(openData(data, wantedOf(train.graph, train.targets), options));
}

/** Tensors one after another; where each lies is `[dtype, shape, offset in bytes]`. */
class Bundle {
  readonly entries: Record<string, readonly ["f32" | "i32", readonly number[], number]> = {};
  readonly #parts: Buffer[] = [];
  #size = 0;

  /** A tensor, or several of one shape side by side. */
  add(name: string, tensors: HostTensor | readonly HostTensor[]): void {
    const all = "data" in tensors ? [tensors] : tensors;
    const { dtype, shape } = all[0]!;
    const kind = dtype === "i32" ? "i32" : "f32";
    this.entries[name] = [kind, "data" in tensors ? shape : [all.length, ...shape], this.#size];
    for (const { data } of all) {
      const array = kind === "i32" ? Int32Array.from(data) : Float32Array.from(data);
      if (array.length !== sizeOf(shape)) throw new Error(`${name}: ${array.length} elements`);
      this.#parts.push(Buffer.from(array.buffer));
      this.#size += array.byteLength;
    }
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}
