/**
 * What a key press takes until `lmg lsp` has answered with its diagnostics, and how the server grows over many edits:
 *
 *     npm run build && npx tsx test/bench/lsp.ts [EXAMPLE …] [--edits 1000]
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Editor } from "../cli/lsp/client.ts";
import { memoryOf } from "./processes.ts";
import { median } from "./statistics.ts";

const { values, positionals } = parseArgs({
  options: { edits: { type: "string", default: "1000" } },
  allowPositionals: true,
});
const edits = Number(values.edits);
const names = positionals.length > 0 ? positionals : ["gpt2", "llama", "gemma2", "unet"];
const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

for (const name of names) {
  const text = readFileSync(new URL(`../../examples/${name}.lmg`, import.meta.url), "utf8");
  const server = spawn(process.execPath, [main, "lsp"]);
  const editor = new Editor(server);
  await editor.begin();
  const uri = `file:///${name}.lmg`;
  await editor.open(uri, text);
  const times: number[] = [];
  let settled = 0;
  for (let edit = 0; edit < edits; edit++) {
    const begun = performance.now();
    await editor.change(uri, edit % 2 === 0 ? `${text}\n` : text);
    times.push(performance.now() - begun);
    // What is compiled while it runs, and what is kept of texts, is there by then.
    if (edit === Math.floor(edits / 4)) settled = memoryOf(server.pid!);
  }
  const warm = times.slice(Math.min(20, edits / 2));
  const slow = warm.toSorted((a, b) => a - b)[Math.floor(warm.length * 0.95)]!;
  const grown = memoryOf(server.pid!) - settled;
  console.log(
    `${name.padEnd(8)} ${median(warm).toFixed(1)} ms a key (95 % within ${slow.toFixed(1)}); ${settled.toFixed(0)} MB after ${Math.floor(edits / 4)} edits, ${grown >= 0 ? "+" : ""}${grown.toFixed(0)} MB after ${edits}`,
  );
  await editor.end();
}
