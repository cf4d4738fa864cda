import { createHash } from "node:crypto";
import type { AfterStep } from "../../lower/train/by-name.ts";
import { printGraph } from "../../ir/print.ts";
import { describeAugmentation } from "../../train/data/augment.ts";
import { DEFAULT_SHARE } from "../../train/data/split.ts";
import type { DataSource } from "../../train/data/source.ts";
import type { RunIdentity } from "../../train/checkpoint.ts";
import type { TrainOptions } from "./options.ts";
import type { ReadTraining } from "./prepare.ts";

/** Enough of SHA-256 to tell files apart that nobody made to look alike. */
const DIGITS = 16;

function hashOf(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex").slice(0, DIGITS);
}

const hashOfFiles = (sources: readonly DataSource[]): string =>
  sources.map(({ feeds, bytes }) => `${feeds === undefined ? "" : `${feeds}=`}${hashOf(bytes)}`).join(" ");

/** What a run may change when it goes on: how long it is. The schedule is then that of the new length from there on. */
export const changeable: readonly string[] = ["steps", "patience", "target"];

/** The lines of `after step`, each once. */
export const afterLines = (after: readonly AfterStep[]): readonly string[] => [
  ...new Set(after.map(({ text }) => text)),
];

/** Targets whose observed steps have the bits of others. */
const exact: ReadonlySet<string> = new Set(["wasm", "interpreter"]);

/** All that decides the bits of a run. */
export function identityOf(
  { model, training, batch, tokenizer, data, validation }: ReadTraining,
  options: TrainOptions,
  firstWeights = "drawn",
): RunIdentity {
  const { settings } = training;
  const { optimizer, schedule, clip } = settings;
  return {
    model: hashOf(printGraph(model.train.graph)),
    data: hashOfFiles(data),
    validation:
      typeof validation === "object" ? hashOfFiles(validation) : String(validation ?? DEFAULT_SHARE),
    tokenizer: tokenizer === undefined ? "none" : hashOf(JSON.stringify(tokenizer.file)),
    augment: model.train.augment.map(describeAugmentation).join(", ") || "none",
    batch: String(batch),
    context: options.context ?? "as the model says",
    seed: String(settings.seed),
    optimizer: JSON.stringify(optimizer),
    "learning rate": String(settings.rate),
    schedule: JSON.stringify(schedule ?? "constant"),
    clip: String(clip ?? "none"),
    accumulate: String(settings.accumulate),
    "weight decay on": settings.decay,
    "rates, eps and decays by name": settings.rules.length === 0 ? "none" : JSON.stringify(settings.rules),
    "after a step": afterLines(settings.after).join("; ") || "none",
    "first weights": firstWeights,
    steps: String(settings.steps),
    ...(settings.patience !== undefined && { patience: String(settings.patience) }),
    target: options.target,
    // Kernels in TypeScript and on a device round what an observed step keeps and another does not.
    ...(options.telemetry !== undefined && !exact.has(options.target) && { telemetry: options.telemetry }),
  };
}
