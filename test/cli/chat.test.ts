import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { toStored } from "../../src/checkpoint/stored.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { inFolder, lmg, lmgReading, mistake, put } from "./harness.ts";

/** Says the letter after the last: a, b, c, then the end. */
const circle = `model circle(vocab = 5, dim = 5) {
  input tokens: i32[B, T <= 24]
  next: embedding(vocab, dim)
  output logits: f32[B, T, dim]
}
`;
const next = Array.from({ length: 25 }, (_, at) => (at % 5 === (Math.floor(at / 5) + 1) % 5 ? 4 : 0));

const letters = {
  model: { type: "BPE", vocab: { a: 0, b: 1, c: 2, d: 3, e: 4 }, merges: [] },
  added_tokens: [],
  decoder: { type: "Fuse" },
};

const template =
  "{% if messages[0].role == 'system' %}{{ raise_exception('no system here') }}{% endif %}{% for message in messages %}{{ message.content }}{% endfor %}";

inFolder({
  "circle.lmg": circle,
  "talks/model.safetensors": writeSafetensors(
    new Map([["next.weight", toStored(hostTensor("f32", [5, 5], next))]]),
  ),
  "talks/tokenizer.json": JSON.stringify(letters),
  "talks/tokenizer_config.json": JSON.stringify({ chat_template: template }),
  "talks/generation_config.json": `{"eos_token_id": [4]}`,
  "mute/model.safetensors": writeSafetensors(
    new Map([["next.weight", toStored(hostTensor("f32", [5, 5], next))]]),
  ),
  "mute/tokenizer.json": JSON.stringify(letters),
  "llama.gguf": readFileSync("test/golden/gguf/llama.gguf"),
});

const talk = (stdin: string, ...more: string[]) =>
  lmgReading(stdin, "run", "circle.lmg", "--weights", "talks", "--chat", ...more);

describe("a conversation", () => {
  test("answers each line, until /exit", async () => {
    expect(await talk("a\n\nb\n/exit\nc\n")).toEqual({ code: 0, text: "bcd\ncd\n", notes: "" });
    expect(await talk("a", "--generate", "1")).toEqual({ code: 0, text: "b\n", notes: "" });
    expect(await talk("a\n", "--stop", "d")).toEqual({ code: 0, text: "bc\n", notes: "" });
  });

  test("says what a template refuses, and what has no token or no room, and goes on", async () => {
    const refused = await talk("a\n", "--system", "be brief");
    expect(refused).toMatchObject({ code: 0, text: "" });
    expect(refused.notes).toContain("error[E838]");
    expect(refused.notes).toContain("its chat template takes no such conversation: no system here");
    const odd = await talk(`z\n${"a".repeat(30)}\nb\n`);
    expect(odd.text).toBe("cd\n");
    expect(odd.notes).toMatch(/E742[^]*E815/);
  });

  test("that has no room any more says how to go on, and begins anew", async () => {
    // Each answer is read again with what comes: "a", "bcd", then 20 more and theirs.
    const long = await talk(`a\n${"a".repeat(19)}\na\n/new\nb\n`);
    expect(long.text).toBe("bcd\nbc\ncd\n");
    expect(long.notes).toBe(
      "stopped: the model reads at most 24 tokens; /new begins another conversation\n" +
        "error[E815]: the conversation has 26 tokens, and the model reads at most 24\n" +
        "  help: `/new` begins another one, of which nothing is remembered\n",
    );
  });
});

test("a checkpoint without a template, or no checkpoint, cannot be talked to", async () => {
  expect(await mistake("run", "llama.gguf", "--chat")).toContain("E839");
  expect(await mistake("run", "circle.lmg", "--weights", "mute", "--chat")).toContain(
    "error[E839]: there is no chat template to talk by",
  );
  expect(await mistake("run", "circle.lmg", "--random", "0", "--chat")).toContain("E839");
});

test("a module with sessions is written where a model can be read in pieces, or it is said why not", async () => {
  const { code, text } = await lmg("compile", "circle.lmg", "--sessions", "--kernels", "ts", "-o", "made");
  expect([code, text.includes("wrote made/circle.ts")]).toEqual([0, true]);
  put("ahead.lmg", circle.replace("  output", "  attn: attention(1, causal: false)\n  output"));
  expect(await mistake("compile", "ahead.lmg", "--sessions")).toContain(
    "the model has no sessions: attend attn (ahead.lmg:4:3): attention sees later positions",
  );
});
