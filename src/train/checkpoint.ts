import { isPassing } from "../autodiff/train/state.ts";
import { Problem, quote } from "../checkpoint/problem.ts";
import { readSafetensors, writeSafetensors } from "../checkpoint/safetensors.ts";
import { toHostTensor, type StoredTensor } from "../checkpoint/stored.ts";
import { publishedTensors } from "../ir/stacks.ts";
import { constantDim } from "../tensor/dim.ts";
import type { StateArray } from "./engine.ts";
import type { TrainingProgram } from "./program.ts";
import type { Snapshot } from "./trainer.ts";

/**
 * Everything that decides the numbers of a run, by a name that a person reads: `seed`, `batch`, `model`. Runs with equal
 * identities end with the same bits.
 */
export type RunIdentity = Readonly<Record<string, string>>;

/** Keys of the file's metadata. */
const STEP = "lmg.step";
const RUN = "lmg.run";

/**
 * The bytes of a safetensors file with a snapshot. A checkpoint lies between two updates, where the sums of gradients are
 * zero, so they are left out. The same snapshot always gives the same bytes.
 */
export function writeTrainingCheckpoint(
  { step, state }: Snapshot,
  program: TrainingProgram,
  identity: RunIdentity,
): Uint8Array {
  const kept = program.states.filter((tensor) => !isPassing(tensor));
  const tensors = new Map(kept.map(({ name }) => [name, storedOf(state[name]!)]));
  const metadata = new Map([
    [STEP, String(step)],
    [RUN, JSON.stringify(identity)],
  ]);
  return writeSafetensors(tensors, metadata);
}

/** The bytes of a safetensors file with the model alone: parameters, by their published names, and running statistics as float32. */
export function writeModelWeights({ state }: Snapshot, program: TrainingProgram): Uint8Array {
  const kept = program.states.filter(({ kind }) => kind === "parameter" || kind === "statistic");
  const tensors = kept.flatMap(({ name }) => {
    const { shape, data } = state[name]!;
    const published = publishedTensors(name, { shape, data: Float32Array.from(data) });
    return published.map(([own, part]): [string, StoredTensor] => [own, storedOf(part)]);
  });
  return writeSafetensors(new Map(tensors), new Map([["format", "pt"]]));
}

const storedOf = ({ shape, data }: StateArray): StoredTensor => ({
  dtype: data instanceof Float32Array ? "f32" : "f64",
  shape,
  bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
});

/** A checkpoint from the bytes of its file; `name` stands in front of messages. What it holds of the model is not checked. */
export function readTrainingCheckpoint(
  bytes: Uint8Array,
  name: string,
): Problem | { readonly identity: RunIdentity; readonly step: number; readonly restore: Restore } {
  const file = readSafetensors(bytes, name);
  if (file instanceof Problem) return file;
  const step = Number(file.metadata.get(STEP));
  const identity = readIdentity(file.metadata.get(RUN));
  if (!Number.isSafeInteger(step) || step < 0 || identity === undefined)
    return new Problem("E853", `${name} is no checkpoint of a training`);
  return { identity, step, restore: (program) => restore(step, file.tensors, program, name) };
}

/** The snapshot for a program: every tensor is there and of its shape. */
type Restore = (program: TrainingProgram) => Snapshot | Problem;

function readIdentity(text: string | undefined): RunIdentity | undefined {
  try {
    const value: unknown = JSON.parse(text ?? "");
    if (typeof value !== "object" || value === null) return undefined;
    return Object.values(value).every((field) => typeof field === "string")
      ? (value as RunIdentity)
      : undefined;
  } catch {
    return undefined;
  }
}

function restore(
  step: number,
  tensors: ReadonlyMap<string, StoredTensor>,
  program: TrainingProgram,
  file: string,
): Snapshot | Problem {
  const state: Record<string, StateArray> = {};
  for (const tensor of program.states) {
    if (isPassing(tensor)) continue;
    const { name, value } = tensor;
    const shape = value.type.shape.map((size) => constantDim(size) ?? 0);
    const stored = tensors.get(name);
    if (stored?.shape.join() !== shape.join())
      return new Problem(
        "E853",
        `${file}: ${quote(name)} ${stored === undefined ? "is missing" : "has another shape"}`,
      );
    const read = toHostTensor(stored, `${file}: ${name}`);
    if (read instanceof Problem) return read;
    const data = stored.dtype === "f64" ? Float64Array.from(read.data) : Float32Array.from(read.data);
    state[name] = { shape, data };
  }
  return { step, state };
}

/** What differs between two runs, by name, as people read it; `except` may differ. */
export function identityDifferences(
  before: RunIdentity,
  now: RunIdentity,
  except: readonly string[] = [],
): readonly { readonly name: string; readonly before: string; readonly now: string }[] {
  const names = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...names].flatMap((name) => {
    const [was, is] = [before[name] ?? "none", now[name] ?? "none"];
    return was === is || except.includes(name) ? [] : [{ name, before: was, now: is }];
  });
}
