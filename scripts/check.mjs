// Types, lint, format and layers, as many at a time as there are processors; each says what it found when it is done.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";

/** The one that takes longest first. */
const checks = [
  "eslint --cache src test scripts examples playground",
  "tsc -p .",
  "prettier --check --log-level warn .",
  "depcruise --config .dependency-cruiser.cjs --output-type err src",
];

/** Runs a command; what it says goes out in one piece, so that two do not mix. */
async function run(command) {
  const child = spawn(command, { shell: true, stdio: ["ignore", "pipe", "pipe"] });
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => said.push(bytes));
  const [code] = await once(child, "close");
  process.stdout.write(Buffer.concat(said));
  if (code === 0) return;
  console.error(`${command.split(" ")[0]} found what is wrong (exit code ${code ?? "none"})`);
  process.exitCode = 1;
}

async function runNext() {
  for (let next = checks.shift(); next !== undefined; next = checks.shift()) await run(next);
}

await Promise.all(Array.from({ length: Math.min(checks.length, availableParallelism()) }, runNext));
