import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";

/*
 * `npm run test:python [-- PART…]`: writes models for other libraries into a temporary folder, and lets scripts of Python hold them to
 * their sources. What a library is missing for is said and left out. The last line counts checks.
 */

const python = process.env["PYTHON"] ?? "python3";

/** Scripts of Python that run at a time, each with a thread or two. */
const AT_ONCE = 2;

const counts = { passed: 0, failed: 0, skipped: 0 };

/** Runs a command, tells what it says, and counts its lines that tell of a check; one that fails without any is a failure too. */
async function run(command: string, args: readonly string[], into?: string): Promise<void> {
  const env = { KERAS_BACKEND: "jax", PYTHONUNBUFFERED: "1", ...process.env };
  const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<number>((resolve) => {
    child.on("error", () => resolve(1));
    child.on("close", (code) => resolve(code ?? 1));
  });
  const said: string[] = [];
  let failed = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    if (into === undefined) console.log(line);
    said.push(line);
    if (line.startsWith("ok   ")) counts.passed++;
    if (line.startsWith("FAIL ")) failed++;
  }
  const code = await ended;
  if (code !== 0 && failed === 0) {
    console.log(
      `FAIL ${basename(args.find((each) => /\.(py|ts)$/.test(each)) ?? command)}: ended with ${code}`,
    );
    failed = 1;
  }
  counts.failed += failed;
  if (into !== undefined) writeFileSync(into, `${said.join("\n")}\n`);
}

const tsx = (...args: readonly string[]) => run(process.execPath, ["--import", "tsx", ...args]);

const lmg = (...args: readonly string[]) => tsx("src/cli/main.ts", ...args);

const data = ["--data", "examples/data/moby-dick.txt.gz", "--validation", "2000"];

/** Models of a text of 75 characters. */
const trained = [
  { name: "chars", file: "examples/chars.lmg", sizes: ["--set", "depth=2", "--set", "dim=32"] },
  { name: "mixed", file: "test/python/mixed.lmg", sizes: [] },
] as const;

/** Several parts read it, and one of them writes it. */
function once(write: (folder: string) => Promise<void>): (folder: string) => Promise<void> {
  let begun: Promise<void> | undefined;
  return (folder) => (begun ??= write(folder));
}

/** All files of Python, of each golden checkpoint and each example. */
const writeEmitted = once((folder) => tsx("test/python/write-emitted.ts", folder));

/** The text as tokens, and of each model 20 updates by `lmg train` and what PyTorch trains. */
const writeTrainings = once(async (folder) => {
  await lmg("tokens", ...data, "-o", join(folder, "tokens"));
  const steps = ["--steps", "20", "--context", "32", "--batch", "4", "--seed", "7", "--accumulate", "2"];
  for (const { name, file, sizes } of trained) {
    const emitted = ["--target", "torch", "--set", "vocab=75", ...sizes, "-o", join(folder, name)];
    await lmg("compile", file, ...emitted);
    await lmg("train", file, ...data, ...sizes, ...steps, "-o", join(folder, `${name}-lmg`));
  }
});

/** The trained run as code for transformers, and the text that lmg writes by it. */
async function writeModeling(folder: string): Promise<readonly string[]> {
  const [out, run_] = [join(folder, "transformers-code"), join(folder, "chars-lmg")];
  await Promise.all([writeTrainings(folder), writeEmitted(folder)]);
  await lmg("compile", run_, "--target", "transformers", "-o", join(out, "chars"));
  const asked = ["--prompt", "Call me", "--tokens", "24", "--temperature", "0"];
  const generate = ["--import", "tsx", "src/cli/main.ts", "generate", run_, ...asked];
  await run(process.execPath, generate, join(out, "text.txt"));
  return [out];
}

/** Each golden checkpoint's model for JAX, and the training of `writeTrainings` with its first weights and its batches. */
async function writeJax(folder: string): Promise<readonly string[]> {
  const out = join(folder, "jax");
  await Promise.all([writeTrainings(folder), writeEmitted(folder)]);
  const sizes = ["--set", "vocab=75", "--set", "depth=2", "--set", "dim=32"];
  await lmg("compile", "examples/chars.lmg", "--target", "jax", ...sizes, "-o", join(out, "chars"));
  await run(python, ["test/python/first_batches.py", join(folder, "chars"), join(folder, "tokens"), out]);
  copyFileSync(join(folder, "chars-lmg", "metrics.jsonl"), join(out, "metrics.jsonl"));
  copyFileSync(join(folder, "chars-lmg", "model.safetensors"), join(out, "last.safetensors"));
  return [out];
}

/** Models in ONNX of both opsets, some of them with a cache, with weights of their own: the checker takes no file of two names. */
async function writeOnnx(folder: string): Promise<readonly string[]> {
  const sizes = ["--set", "depth=2", "--set", "dim=32"];
  const forms = {
    whole: ["examples/chars.lmg"],
    before: ["examples/chars.lmg", "--opset", "17"],
    cached: ["examples/chars.lmg", "--sessions"],
    encoder: ["examples/bert.lmg", "--set", "vocab=50", "--set", "hidden=48", "--set", "heads=4"],
    two: ["test/golden/families/t5", "--sessions"],
    twoBefore: ["test/golden/families/bart", "--sessions", "--opset", "17"],
  };
  const paths: string[] = [];
  for (const [name, given] of Object.entries(forms)) {
    const out = join(folder, "onnx", name);
    await lmg("compile", ...given, ...sizes, "--random", "0", "--target", "onnx", "-o", out);
    const models = readdirSync(out).filter((file) => file.endsWith(".onnx"));
    paths.push(...models.map((file) => join(out, file)));
  }
  return paths;
}

/** What one script holds to its sources. */
interface Part {
  readonly name: string;
  /** Libraries that Python must have. */
  readonly needs: readonly string[];
  readonly script: string;
  /** Writes what the script reads, and says what it is given. */
  readonly writes: (folder: string) => readonly string[] | Promise<readonly string[]>;
}

/** The folder that others wrote. */
const afterThese =
  (...writes: readonly ((folder: string) => Promise<void>)[]): Part["writes"] =>
  async (folder) => {
    await Promise.all(writes.map((write) => write(folder)));
    return [folder];
  };

/** A folder of its own, written by another script. */
const writtenBy =
  (name: string, script: string, ...options: readonly string[]): Part["writes"] =>
  async (folder) => {
    const place = join(folder, name);
    await tsx(script, place);
    return [...options, place];
  };

const torch = ["torch", "safetensors", "numpy"];

/** The longest first. */
const parts: readonly Part[] = [
  { name: "processes", needs: torch, script: "test/python/trainings.py", writes: afterThese(writeTrainings) },
  { name: "jax", needs: [...torch, "jax", "optax"], script: "test/python/jax_lane.py", writes: writeJax },
  {
    name: "modeling",
    needs: [...torch, "transformers", "accelerate"],
    script: "test/python/modeling_lane.py",
    writes: writeModeling,
  },
  { name: "torch", needs: torch, script: "test/python/lane.py", writes: afterThese(writeEmitted) },
  {
    name: "configs",
    needs: [...torch, "transformers"],
    script: "test/golden/written_configs.py",
    writes: writtenBy("configs", "test/families/write-configs.ts"),
  },
  {
    name: "keras",
    needs: ["keras", "jax"],
    script: "test/golden/keras_models.py",
    writes: writtenBy("keras", "test/export/write-keras.ts", "--check"),
  },
  {
    name: "ruff",
    needs: ["ruff"],
    script: "test/python/clean.py",
    writes: afterThese(writeTrainings, writeEmitted),
  },
  { name: "onnx", needs: ["onnx", "onnxruntime"], script: "test/export/onnx/check.py", writes: writeOnnx },
];

/** Whether Python has what a part needs, without loading it; if not that is said. */
function canRun({ name, needs }: Part): boolean {
  const missing = `import importlib.util as u; print(*(n for n in ${JSON.stringify(needs)} if u.find_spec(n) is None))`;
  const { status, stdout } = spawnSync(python, ["-c", missing], { encoding: "utf8" });
  const lacks = status === 0 ? stdout.trim() : needs.join(" ");
  if (lacks === "") return true;
  console.log(
    `left out: ${name}, as ${python} has no ${lacks} (pip install -r test/python/requirements.txt)`,
  );
  counts.skipped++;
  return false;
}

async function hold({ script, writes }: Part, folder: string): Promise<void> {
  await run(python, [script, ...(await writes(folder))]);
}

async function main(asked: readonly string[]): Promise<void> {
  const unknown = asked.filter((name) => !parts.some((part) => part.name === name));
  if (unknown.length > 0)
    throw new Error(`no part is called ${unknown.join()}: choose of ${parts.map(({ name }) => name).join()}`);
  const chosen = parts.filter((part) => (asked.length === 0 || asked.includes(part.name)) && canRun(part));
  const folder = mkdtempSync(join(tmpdir(), "lmg-python-"));
  const left = chosen.values();
  const worker = async (): Promise<void> => {
    for (const part of left) await hold(part, folder);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  rmSync(folder, { recursive: true });
  const { passed, failed, skipped } = counts;
  console.log(`${passed} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}`);
  process.exitCode = failed > 0 ? 1 : 0;
}

await main(process.argv.slice(2));
