import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { goldenFolders, goldenModelPy } from "./emitted.ts";

/*
 * `npm run test:python`: writes models for PyTorch into a temporary folder, and lets lane.py hold them to their sources. Without torch
 * it says so, and ends well.
 */

const python = process.env["PYTHON"] ?? "python3";

/** What lmg writes for other libraries, and what holds it to them; Keras may stand in an environment of its own. */
const libraries = [
  {
    library: "transformers",
    by: python,
    writes: "test/families/write-configs.ts",
    holds: ["test/golden/written_configs.py"],
  },
  {
    library: "keras",
    by: process.env["KERAS_PYTHON"] ?? python,
    writes: "test/export/write-keras.ts",
    holds: ["test/golden/keras_models.py", "--check"],
  },
] as const;

function run(command: string, args: readonly string[]): void {
  const { status } = spawnSync(command, args, { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

function lmg(...args: readonly string[]): void {
  run(process.execPath, ["--import", "tsx", "src/cli/main.ts", ...args]);
}

const data = ["--data", "examples/data/moby-dick.txt.gz", "--validation", "2000"];

/** Models of a text of 75 characters. */
const trained = [
  { name: "chars", file: "examples/chars.lmg", sizes: ["--set", "depth=2", "--set", "dim=32"] },
  { name: "mixed", file: "test/python/mixed.lmg", sizes: [] },
] as const;

/** The text as tokens, and of each model 20 updates by `lmg train` and what PyTorch trains. */
function writeTrainings(folder: string): void {
  lmg("tokens", ...data, "-o", join(folder, "tokens"));
  const steps = ["--steps", "20", "--context", "32", "--batch", "4", "--seed", "7", "--accumulate", "2"];
  for (const { name, file, sizes } of trained) {
    const emitted = ["--target", "torch", "--set", "vocab=75", ...sizes, "-o", join(folder, name)];
    lmg("compile", file, ...emitted);
    lmg("train", file, ...data, ...sizes, ...steps, "-o", join(folder, `${name}-lmg`));
  }
}

/** Configs that transformers loads golden checkpoints by, and models that Keras loads; without the library it is said. */
function holdOthers(folder: string): void {
  for (const { library, by, writes, holds } of libraries) {
    if (spawnSync(by, ["-c", `import ${library}`]).status !== 0) {
      console.log(`left out: ${by} has no ${library}`);
      continue;
    }
    const place = join(folder, library);
    run(process.execPath, ["--import", "tsx", writes, place]);
    run(by, [...holds, place]);
  }
}

function main(): void {
  const found = spawnSync(python, ["-c", "import torch, safetensors, numpy"]);
  if (found.status !== 0) {
    console.log(
      `left out: ${python} has no torch, safetensors and numpy (pip install -r test/python/requirements.txt)`,
    );
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "lmg-python-"));
  mkdirSync(join(folder, "models"));
  for (const golden of goldenFolders)
    writeFileSync(join(folder, "models", `${basename(golden)}.py`), goldenModelPy(golden));
  writeTrainings(folder);
  run(python, ["test/python/lane.py", folder]);
  holdOthers(folder);
  rmSync(folder, { recursive: true });
}

main();
