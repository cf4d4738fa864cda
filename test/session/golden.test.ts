import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/checkpoint/json.ts";
import { Problem } from "../../src/checkpoint/problem.ts";
import { Sampler, type Sampling } from "../../src/session/sampling.ts";
import { RandomStream } from "../../src/tensor/random.ts";
import { chatTemplate, type ChatMessage } from "../../src/text/chat.ts";

interface Golden {
  readonly sampling: readonly {
    readonly logits: readonly number[];
    readonly tokens: readonly number[];
    readonly found: readonly { readonly options: Sampling; readonly probabilities: readonly number[] }[];
  }[];
  readonly chats: {
    readonly conversations: readonly (readonly ChatMessage[])[];
    readonly templates: readonly {
      readonly name: string;
      readonly chat_template: string;
      readonly tokens: JsonObject;
      readonly texts: readonly { readonly text?: string; readonly refused?: string }[];
    }[];
  };
}

/** Made by transformers: `test/golden/generation.py`. */
const golden = JSON.parse(readFileSync("test/golden/text/generation.json", "utf8")) as Golden;

/** Both compute in float64: what differs is the order of sums. */
const ROUNDING = 1e-12;

describe.each(golden.sampling)("of $logits.length logits", ({ logits, tokens, found }) => {
  test.each(found)("$options leaves what transformers' processors leave", ({ options, probabilities }) => {
    const sampler = new Sampler({ temperature: 1, ...options }, new RandomStream(0));
    const mine = sampler.probabilities(logits, tokens, 0);
    const worst = probabilities.reduce((most, each, id) => Math.max(most, Math.abs(each - mine[id]!)), 0);
    expect(worst).toBeLessThan(ROUNDING);
    expect(probabilities.reduce((sum, each) => sum + each, 0)).toBeCloseTo(1, 12);
  });
});

describe.each(golden.chats.templates)("a template of $name", ({ chat_template, tokens, texts }) => {
  const read = (config: JsonObject, file?: string) => {
    const template = chatTemplate(config, file, "tokenizer_config.json");
    if (template === undefined || template instanceof Problem) throw new Error("no template");
    return template;
  };

  test("makes of a conversation what transformers makes of it", () => {
    const template = read({ ...tokens, chat_template });
    for (const [index, conversation] of golden.chats.conversations.entries()) {
      const { text, refused } = texts[index]!;
      const made = template(conversation);
      if (refused === undefined) expect(made).toBe(text);
      else
        expect(made).toMatchObject({
          code: "E838",
          message: `tokenizer_config.json: its chat template takes no such conversation: ${refused}`,
        });
    }
  });

  test("is found among several, and a file wins over the config", () => {
    const others = [
      { name: "tool_use", template: "no" },
      { name: "default", template: chat_template },
    ];
    const [conversation] = golden.chats.conversations;
    for (const template of [
      read({ ...tokens, chat_template: others }),
      read({ ...tokens, chat_template: "no" }, chat_template),
    ])
      expect(template(conversation!)).toBe(texts[0]!.text);
  });
});

test("a template that cannot be read says so, and a checkpoint without one has none", () => {
  expect(chatTemplate({ chat_template: "{% for x in %}" }, undefined, "t.json")).toMatchObject({
    code: "E838",
    message: expect.stringContaining("t.json: its chat template cannot be read: ") as string,
  });
  expect(chatTemplate({}, undefined, "t.json")).toBeUndefined();
});
