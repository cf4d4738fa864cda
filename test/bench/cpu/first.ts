import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "./engines.ts";
import {
  heldToFirst,
  inTurns,
  readResult,
  type Effort,
  type LeftOut,
  type Measured,
  type Time,
} from "./measure.ts";
import { nodeChild, type NodeCommand } from "./node.ts";
import type { ModelFiles, RunFiles } from "./prepare.ts";

/**
 * Milliseconds from the start of a process to its first output: the library, the model's file, its weights and a run. All files
 * are in the page cache: a first process of each engine, which is not counted, reads them.
 */
export async function measureFirst(
  node: NodeCommand,
  engines: readonly Engine[],
  files: ModelFiles,
  run: RunFiles,
  { rounds }: Pick<Effort, "rounds">,
  folder: string,
  leftOut: LeftOut,
): Promise<readonly Measured[]> {
  const path = join(folder, "first.bin");
  const task = join(folder, "first.json");
  // The plain form is what is published.
  writeFileSync(task, JSON.stringify({ files: { ...files, onnx: { plain: files.onnx.plain } }, run, path }));
  const results = new Map<Engine, Float32Array>();
  for (const engine of engines) {
    if (!engine.takes(files)) continue;
    try {
      await firstOutput(node, engine, task);
      results.set(engine, readResult(path));
    } catch (error) {
      leftOut(engine, (error as Error).message);
    }
  }
  const take = (engine: Engine) => firstOutput(node, engine, task);
  return heldToFirst(results, await inTurns([...results.keys()], rounds, take));
}

async function firstOutput(node: NodeCommand, engine: Engine, task: string): Promise<Required<Time>> {
  const start = performance.now();
  const child = nodeChild(node, engine.args, { LMG_BENCH_FIRST: task });
  const { cpu } = (await child.next()) as { readonly cpu: number };
  const ms = performance.now() - start;
  await child.ended;
  return { ms, cpu };
}
