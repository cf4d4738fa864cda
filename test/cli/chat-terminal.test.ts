import { spawn, spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { toStored } from "../../src/checkpoint/stored.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { folderWithCommand } from "./bundled.ts";

/** Says the letter after the last, and begins again behind the last one: it never ends by itself. */
const circle = `model circle(vocab = 3, dim = 3) {
  input tokens: i32[B, T]
  next: embedding(vocab, dim)
  output logits: f32[B, T, dim]
}
`;
const next = [0, 1, 0, 0, 0, 1, 1, 0, 0];
const letters = {
  model: { type: "BPE", vocab: { a: 0, b: 1, c: 2 }, merges: [] },
  added_tokens: [],
  decoder: { type: "Fuse" },
};
const template = "{% for message in messages %}{{ message.content }}{% endfor %}";

const at = folderWithCommand({
  "circle.lmg": circle,
  "model.safetensors": writeSafetensors(
    new Map([["next.weight", toStored(hostTensor("f32", [3, 3], next))]]),
  ),
  "tokenizer.json": JSON.stringify(letters),
  "tokenizer_config.json": JSON.stringify({ chat_template: template }),
});

/** The key of Ctrl-C, as a terminal sends it. */
const CTRL_C = "\x03";

/** `script` of util-linux gives a program a terminal; other systems have another one of that name, or none. */
const hasTerminals =
  process.platform === "linux" &&
  spawnSync("script", ["--version"], { encoding: "utf8" }).stdout.includes("util-linux");

/** A program that does not heed a key is not to hold the tests up. */
const PATIENCE = 240_000;

/** A program in a terminal: what is typed, once a pattern has been seen since the last that was. */
async function inTerminal(
  command: string,
  typed: readonly (readonly [seen: RegExp, keys: string])[],
): Promise<{ readonly code: number | null; readonly screen: string }> {
  const program = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    cwd: at(),
    env: { ...process.env, TERM: "dumb" },
  });
  const waiting = [...typed];
  let [screen, fresh] = ["", ""];
  program.stdout.setEncoding("utf8");
  program.stdout.on("data", (text: string) => {
    screen += text;
    fresh += text;
    const [first] = waiting;
    if (first?.[0].test(fresh) !== true) return;
    waiting.shift();
    fresh = "";
    program.stdin.write(first[1]);
  });
  const patience = setTimeout(() => program.kill(), PATIENCE);
  const code = await new Promise<number | null>((done) => program.on("close", done));
  clearTimeout(patience);
  return { code, screen };
}

describe.skipIf(!hasTerminals)("Ctrl-C in a terminal", () => {
  const talk = "exec node lmg.mjs run circle.lmg --weights model.safetensors --chat --generate 1000000";

  test("ends an answer, and the conversation goes on; where none runs, it ends the program", async () => {
    const { code, screen } = await inTerminal(talk, [
      [/> $/, "a\r"],
      [/(?:bca){20}/, CTRL_C],
      [/> $/, "b\r"],
      [/(?:cab){20}/, CTRL_C],
      [/> $/, CTRL_C],
    ]);
    expect(screen.match(/> /g)).toHaveLength(3);
    // As a shell says that SIGINT ended it.
    expect(code).toBe(130);
  });
});
