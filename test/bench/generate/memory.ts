/**
 * The memory of `lmg run FILE.gguf` when the first token behind a prompt is written, by parts that sum up to what the system counts,
 * beside the size of the file. Linux alone tells it.
 *
 *     npx tsx test/bench/generate/memory.ts FILE.gguf [--prompt N] [--threads N] [--node PATH]
 */
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { builtMain } from "./built.ts";
import { peerScript } from "./contenders.ts";
import { readOptions } from "./options.ts";
import { promptOf } from "./prompt.ts";

const { file, node, prompt, threads } = readOptions(process.argv.slice(2));
const preload = pathToFileURL(peerScript("parts.js")).href;
const text = promptOf(file, prompt).text;
const given = ["run", file, "--prompt", text, "--generate", "1", "--threads", String(threads[0]!)];
const { status, stderr } = spawnSync(node, ["--import", preload, builtMain(), ...given], {
  encoding: "utf8",
});
if (status !== 0) throw new Error(stderr);
const parts = JSON.parse(stderr.trim().split("\n").at(-1)!) as Readonly<Record<string, number>>;
const size = statSync(file).size;
console.log(`${file}: ${(size / 1e6).toFixed(0)} MB; a prompt of ${prompt} tokens, one behind it`);
for (const [part, bytes] of Object.entries(parts))
  console.log(
    `${part.padEnd(56)}${(bytes / 1e6).toFixed(1).padStart(7)} MB  ${(bytes / size).toFixed(2)} × the file`,
  );
