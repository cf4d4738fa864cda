// Keeps a run as examples/weights/whale: its weights in half precision, and what is known of how they came about. Run by hand,
// after the command that examples/weights/README.md gives:
//
//     npx tsx scripts/keep-whale.ts runs/whale
//     python examples/weights/check_whale.py
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "../src/checkpoint/problem.ts";
import { readSafetensors, writeSafetensors } from "../src/checkpoint/safetensors.ts";
import { toHostTensor, toStored } from "../src/checkpoint/stored.ts";

const [run = "runs/whale"] = process.argv.slice(2);
const kept = new URL("../examples/weights/whale/", import.meta.url);

const { tensors } = expectValue(readSafetensors(readFileSync(join(run, "model.safetensors")), run));
const halves = [...tensors].map(
  ([name, tensor]) => [name, toStored(expectValue(toHostTensor(tensor, name)), "f16")] as const,
);
writeFileSync(
  new URL("model.safetensors", kept),
  writeSafetensors(new Map(halves), new Map([["format", "pt"]])),
);

interface Evaluation {
  readonly step: number;
  readonly seconds: number;
  readonly validation: { readonly loss: number };
}
const { command, data, training } = JSON.parse(readFileSync(join(run, "run.json"), "utf8")) as {
  readonly command: string;
  readonly data: string;
  readonly training: { readonly seed: number };
};
const lines = readFileSync(join(run, "metrics.jsonl"), "utf8").trimEnd().split("\n");
const { step, seconds, validation } = JSON.parse(lines.at(-1)!) as Evaluation;
const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  readonly version: string;
};
const record = {
  command,
  data,
  seed: training.seed,
  steps: step,
  seconds: Math.round(seconds),
  validation_loss: Number(validation.loss.toFixed(4)),
  versions: { lmg: version, node: process.versions.node },
};
writeFileSync(new URL("training.json", kept), `${JSON.stringify(record, null, 2)}\n`);
console.log(record);

function expectValue<T>(value: T | Problem): T {
  if (value instanceof Problem) throw new Error(value.message);
  return value;
}
