/// <reference types="@webgpu/types" />
import { Problem } from "../../src/checkpoint/problem.ts";
import { parse } from "../../src/language/parse.ts";
import { openData } from "../../src/train/data/open.ts";
import { wantedOf } from "../../src/train/data/wanted.ts";
import { writeTrainingCheckpoint } from "../../src/train/checkpoint.ts";
import { lowerForTraining, trainingProgram } from "../../src/train/program.ts";
import { settingsOf, stepOptionsOf } from "../../src/train/settings.ts";
import type { EngineFactory } from "../../src/train/engine.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { typescriptEngine } from "../../src/train/typescript-engine.ts";
import { webgpuEngine } from "../../src/train/webgpu-engine.ts";

const model = `model tiny(vocab = 28, dim = 8, ctx = 8) {
  input tokens: i32[B, T <= ctx]
  wte: embedding(vocab, dim)
  residual pre ln: layernorm { attn: attention(2, causal: true, rope: rope) -> dropout(0.1) }
  ln_f: layernorm
  unembed(wte)
  output logits: f32[B, T, vocab]
  train {
    target next: i32[B, T]
    loss (logits, next) -> cross_entropy
    optimizer adamw(lr: 1e-2)
    clip 1.0
    steps 8
  }
}
`;

const text = "the quick brown fox jumps over the lazy dog. ".repeat(20);

/** A language model trained with nothing but the core, as a page does it: the losses, and the checkpoint's size in bytes. */
export async function trainSome(
  engine: EngineFactory = typescriptEngine,
): Promise<{ readonly losses: readonly number[]; readonly bytes: number }> {
  const { model: lowered } = lowerForTraining(parse({ name: "tiny.lmg", text: model }).file, {});
  const { train } = lowered!;
  const source = { name: "text.txt", bytes: new TextEncoder().encode(text) };
  const batches = openData([source], wantedOf(train.graph, train.targets), { batch: 2, seed: 1 });
  if (batches instanceof Problem) throw new Error(batches.message);
  const settings = settingsOf(train, batches, { seed: 1 });
  if (settings instanceof Problem) throw new Error(settings.message);
  const program = trainingProgram(lowered!, stepOptionsOf(settings)).program!;
  const trainer = await Trainer.open({ program, settings, batches }, engine);
  const losses: number[] = [];
  while (trainer.step < settings.steps) losses.push((await trainer.advance()).measures["loss"]!);
  losses.push((await trainer.evaluate())!["loss"]!);
  const { length: bytes } = writeTrainingCheckpoint(await trainer.snapshot(), program, {});
  trainer.close();
  return { losses, bytes };
}

/** The same by shaders, on the page's own device. */
export async function trainOnDevice(): ReturnType<typeof trainSome> {
  const adapter = await navigator.gpu.requestAdapter();
  return trainSome(webgpuEngine(await adapter!.requestDevice()));
}
