import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { folderWithCommand } from "../bundled.ts";
import { Editor } from "./client.ts";

const path = folderWithCommand();
const hook = fileURLToPath(new URL("./heap.mjs", import.meta.url));

/** Edits of a text in one session: some, or those of a day's work with `LMG_EDITS=1000`. */
const edits = Number(process.env["LMG_EDITS"] ?? 80);

/**
 * Megabytes that the heap may be larger by at the end than after a quarter of the edits: matches of statements that were typed are remembered,
 * 4,000 of them. An analysis that were kept is megabytes for each edit.
 */
const GROWTH = 12;

const text = readFileSync("examples/gpt2.lmg", "utf8");

/** The text as it is after an edit, as texts come while one types: a word letter by letter and away again, a size, a brace that is open, and what was there before. */
function textAt(edit: number): string {
  const word = `layer${edit}`.slice(0, 1 + (edit % 8));
  switch (edit % 4) {
    case 0:
      return text.replace("layernorm", word);
    case 1:
      return text.replace(/dim = \d+/, `dim = ${768 + 12 * (edit % 32)}`);
    case 2:
      return `${text}// ${edit}\n`;
    default:
      return text.replace("}", "");
  }
}

/** What is left of the heap of a server after collection, in megabytes. */
async function heapOf(server: ChildProcessWithoutNullStreams): Promise<number> {
  const told = once(server, "message") as Promise<[number]>;
  server.send("heap");
  return (await told)[0] / 2 ** 20;
}

test("a server keeps nothing of the texts that were", async () => {
  const server = spawn(process.execPath, ["--expose-gc", "--import", hook, path("lmg.mjs"), "lsp"], {
    stdio: ["pipe", "pipe", "pipe", "ipc"],
  }) as ChildProcessWithoutNullStreams;
  const editor = new Editor(server);
  await editor.begin();
  const uri = pathToFileURL(path("gpt2.lmg")).href;
  await editor.open(uri, text);
  let settled = Infinity;
  for (let edit = 1; edit <= edits; edit++) {
    await editor.change(uri, textAt(edit));
    const at = text.split("\n").findIndex((line) => line.includes("attention"));
    const position = { line: at, character: 30 };
    await editor.ask("textDocument/hover", { textDocument: { uri }, position });
    await editor.ask("textDocument/completion", { textDocument: { uri }, position });
    if (edit === Math.floor(edits / 4)) settled = await heapOf(server);
  }
  const left = await heapOf(server);
  await editor.end();
  const told = `${settled.toFixed(1)} MB after ${Math.floor(edits / 4)} edits, ${left.toFixed(1)} MB after ${edits}`;
  if (process.env["LMG_EDITS"] !== undefined) console.log(told);
  expect(left - settled, told).toBeLessThan(GROWTH);
});
