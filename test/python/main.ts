import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { goldenFolders, goldenJax, goldenModelPy } from "./emitted.ts";

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

const command = ["--import", "tsx", "src/cli/main.ts"];

function lmg(...args: readonly string[]): void {
  run(process.execPath, [...command, ...args]);
}

/** What a command says. */
const output = (...args: readonly string[]): string =>
  execFileSync(process.execPath, [...command, ...args], { encoding: "utf8" });

/** Whether a Python has a library; without it that is said. */
function has(by: string, library: string): boolean {
  const found = spawnSync(by, ["-c", `import ${library}`]).status === 0;
  if (!found) console.log(`left out: ${by} has no ${library}`);
  return found;
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

/** The trained run as code for transformers, and the text that lmg writes by it. */
function writeModeling(folder: string): void {
  const out = join(folder, "transformers-code");
  run(process.execPath, ["--import", "tsx", "test/python/write-transformers.ts", out]);
  lmg("compile", join(folder, "lmg"), "--target", "transformers", "-o", join(out, "chars"));
  const asked = ["--prompt", "Call me", "--tokens", "24", "--temperature", "0"];
  writeFileSync(join(out, "text.txt"), output("generate", join(folder, "lmg"), ...asked));
}

const jaxPython = process.env["KERAS_PYTHON"] ?? python;

/** Each golden checkpoint's model for JAX, and the training of `writeTraining` with its first weights and its batches. */
function writeJax(folder: string): string {
  const out = join(folder, "jax");
  mkdirSync(join(out, "models"), { recursive: true });
  for (const golden of goldenFolders) {
    const made = goldenJax(golden);
    if (!("reason" in made)) writeFileSync(join(out, "models", `${basename(golden)}.py`), made[0]!.text);
  }
  const sizes = ["--set", "vocab=75", "--set", "depth=2", "--set", "dim=32"];
  lmg("compile", "examples/chars.lmg", "--target", "jax", ...sizes, "-o", join(out, "chars"));
  run(python, ["test/python/first_batches.py", join(folder, "chars"), join(folder, "tokens"), out]);
  copyFileSync(join(folder, "lmg", "metrics.jsonl"), join(out, "metrics.jsonl"));
  copyFileSync(join(folder, "lmg", "model.safetensors"), join(out, "last.safetensors"));
  return out;
}

/** Models in ONNX of both opsets, one of them with its cache, with weights of their own: the checker takes no file of two names. */
function writeOnnx(folder: string): readonly string[] {
  const sizes = ["--set", "depth=2", "--set", "dim=32"];
  const forms = {
    whole: ["examples/chars.lmg"],
    before: ["examples/chars.lmg", "--opset", "17"],
    cached: ["examples/chars.lmg", "--sessions"],
    encoder: ["examples/bert.lmg", "--set", "vocab=50", "--set", "hidden=48", "--set", "heads=4"],
  };
  return Object.entries(forms).map(([name, given]) => {
    const out = join(folder, "onnx", name);
    lmg("compile", ...given, ...sizes, "--random", "0", "--target", "onnx", "-o", out);
    return join(out, "model.onnx");
  });
}

/** Configs that transformers loads golden checkpoints by, and models that Keras loads; without the library it is said. */
function holdOthers(folder: string): void {
  for (const { library, by, writes, holds } of libraries) {
    if (!has(by, library)) continue;
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
  if (has(python, "transformers")) {
    writeModeling(folder);
    run(python, ["test/python/modeling_lane.py", join(folder, "transformers-code")]);
  }
  if (["jax", "optax", "safetensors"].every((library) => has(jaxPython, library)))
    run(jaxPython, ["test/python/jax_lane.py", writeJax(folder)]);
  if (has(python, "onnx") && has(python, "onnxruntime"))
    run(python, ["test/export/onnx/check.py", ...writeOnnx(folder)]);
  holdOthers(folder);
  rmSync(folder, { recursive: true });
}

main();
