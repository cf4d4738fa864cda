import { describe, expect, test } from "vitest";
import { emittedWeights } from "../../src/run/tensors.ts";
import { randomWeights } from "../../src/run/weights.ts";
import { openSessions, type SessionModel } from "../../src/run/sessions.ts";
import { generateBatch, type BatchOptions } from "../../src/session/batch.ts";
import {
  generate,
  type Generated,
  type GenerateOptions,
  type TextEncoding,
} from "../../src/session/generate.ts";
import { targets } from "../../src/emit/targets.ts";
import { cpuTargets, type CpuTarget } from "../emit/cpu.ts";
import { derived, exampleGraph } from "../incremental/models.ts";

const llama = exampleGraph("llama", { vocab: 23, dim: 16, hidden: 24, depth: 2, heads: 4, kv_heads: 2 });
const weights = emittedWeights(randomWeights(llama, 1));

const letters: TextEncoding = {
  encode: (text) => Array.from(text, (letter) => letter.charCodeAt(0) - 97),
  decode: (ids) => ids.map((id) => String.fromCharCode(97 + id)).join(""),
};

const modelOn = ({ engine }: CpuTarget, ragged = true): Promise<SessionModel> =>
  openSessions(derived(llama, { ragged, target: targets[engine].target({}) }), weights, {
    target: engine,
    threads: 1,
    logits: "logits",
  });

/** What a run gave: the pieces of each text, and what it says at its end. */
async function batchOf(model: SessionModel, prompts: readonly string[], options: BatchOptions) {
  const running = generateBatch(model, letters, prompts, options);
  const pieces: (readonly string[])[] = [];
  for (;;) {
    const next = await running.next();
    if (next.done === true) return { pieces, texts: next.value };
    pieces.push(next.value);
  }
}

async function aloneOf(model: SessionModel, prompt: string, options: GenerateOptions): Promise<Generated> {
  const running = generate(model, letters, prompt, options);
  for (;;) {
    const next = await running.next();
    if (next.done === true) return next.value;
  }
}

const told = ({ tokens, text, stopped, prompt }: Generated) => ({ tokens, text, stopped, prompt });

describe.each(cpuTargets)("in $name", (cpu) => {
  const prompts = ["abcdefgh", "q", "hij", "abc"];

  test.each([
    { maxTokens: 12 },
    { maxTokens: 12, temperature: 1, topK: 8, seed: 3 },
    { maxTokens: 20, temperature: 1, seed: 5, stopTokens: [1, 7, 12], stop: ["k", "ab"] },
  ])(
    "prompts of different lengths go on as each does alone, also where others have ended: %o",
    async (options) => {
      const model = await modelOn(cpu);
      const { pieces, texts } = await batchOf(model, prompts, options);
      for (const [at, prompt] of prompts.entries()) {
        expect(told(texts[at]!)).toEqual(told(await aloneOf(model, prompt, options)));
        expect(pieces.map((each) => each[at]).join("")).toBe(texts[at]!.text);
      }
      model.close();
    },
  );

  test("each may have a seed of its own", async () => {
    const model = await modelOn(cpu);
    const options = { maxTokens: 8, temperature: 1 };
    const { texts } = await batchOf(model, ["abc", "abc"], { ...options, seed: [1, 2] });
    const alone = [1, 2].map((seed) => aloneOf(model, "abc", { ...options, seed }));
    expect(texts.map(told)).toEqual((await Promise.all(alone)).map(told));
    expect(texts[0]!.text).not.toBe(texts[1]!.text);
    model.close();
  });

  test("texts of a session begin where they are told, once", async () => {
    const model = await modelOn(cpu);
    const session = await model.session({ batch: 2, capacity: 16 });
    await expect(session.append([[1, 2], []] as never)).rejects.toThrow("a text of the batch has no tokens");
    await session.append([[1, 2, 3, 4], [5]] as never);
    await expect(session.append([[1, 2], [3]] as never)).rejects.toThrow(
      "texts that have begun grow by as many tokens each, got 2, 1",
    );
    await expect(session.truncate(2)).rejects.toThrow(
      "a text of the batch begins at 3: 2 positions have none of it",
    );
    const kept = (await session.append([[6], [7]] as never))["logits"]!.data;
    const restored = await model.restore(await session.save());
    await restored.truncate(4);
    expect((await restored.append([[6], [7]] as never))["logits"]!.data).toEqual(kept);
    // From the beginning, other lengths, and then even ones.
    await session.truncate(0);
    const [ragged] = rowsOf(await session.append([[9], [5, 6, 7]] as never));
    await session.truncate(0);
    const [even] = rowsOf(await session.append([[9], [5]] as never));
    expect(difference(ragged!, even!)).toBeLessThan(1e-5);
    session.dispose();
    restored.dispose();
    model.close();
  });

  test("a program that was not derived for it says so", async () => {
    const model = await modelOn(cpu, false);
    const session = await model.session({ batch: 2, capacity: 16 });
    await expect(session.append([[1, 2], [3]] as never)).rejects.toThrow(
      "the texts of a batch grow by as many tokens each, got 2, 1; a program that was derived as `ragged` begins with any",
    );
    session.dispose();
    model.close();
  });
});

const rowsOf = (outputs: object): number[][] => {
  const { data, shape } = (outputs as Record<string, { data: ArrayLike<number>; shape: readonly number[] }>)[
    "logits"
  ]!;
  const width = shape.at(-1)!;
  return [0, 1].map((row) => Array.from(data).slice(row * width, (row + 1) * width));
};

const difference = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((number, at) => Math.abs(number - b[at]!)));
