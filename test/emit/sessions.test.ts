import { describe, expect, test } from "vitest";
import { targets } from "../../src/emit/targets.ts";
import { importModule, type EmittedTensors } from "../../src/emit/emitted.ts";
import type { GenerateOptions, Generated } from "../../src/session/generate.ts";
import type { SessionModel } from "../../src/run/sessions.ts";
import { Reference, difference } from "../incremental/decoded.ts";
import { exampleGraph, graphOf } from "../incremental/models.ts";
import { projectComplaints, strict } from "./complaints.ts";
import { planWithSessions } from "./sessions.ts";

const graph = exampleGraph("llama", { vocab: 23, dim: 16, hidden: 24, depth: 2, heads: 4, kv_heads: 2 });
const reference = new Reference(graph, "T", { B: 1, T: 14 });

interface Model extends SessionModel {
  readonly run: (inputs: EmittedTensors) => EmittedTensors | Promise<EmittedTensors>;
}

interface Module {
  readonly createModel: (weights: object, options?: object) => Model | Promise<Model>;
  readonly generate: (
    from: object,
    tokenizer: object,
    prompt: string | readonly number[],
    options: GenerateOptions,
  ) => AsyncGenerator<string, Generated>;
}

const letters = {
  encode: (text: string) => Array.from(text, (letter) => letter.charCodeAt(0) - 97),
  decode: (ids: readonly number[]) => ids.map((id) => String.fromCharCode(97 + id)).join(""),
};

/** What a project does with a module; each line is one that must fit its types. */
const page = `
import { createModel, generate, SessionError, type Session, type AppendOutputs } from "./module.ts";

const model = await createModel({}, {});
const session = await model.session({ capacity: 64, chunk: 16 });
const { logits }: AppendOutputs = await session.append([1, 2, 3]);
const row: Float32Array = logits.data;
await session.append({ tokens: { data: [row.length], shape: [1, 1] } }, { signal: new AbortController().signal });
const other: Session<object, AppendOutputs> = await model.restore(await (await session.fork()).save());
const tokenizer = { encode: (text: string) => [text.length], decode: (ids: readonly number[]) => ids.join() };
for await (const text of generate(model, tokenizer, "a", { maxTokens: 3, temperature: 0.7, stop: ["b"] })) console.log(text);
const { value } = await generate(other, tokenizer, [1]).next();
console.log(value, SessionError);
`;

describe.each(["ts", "wasm"] as const)("a module of the target %s with sessions", async (target) => {
  const emit = await targets[target].load();
  const plan = planWithSessions(graph, target);
  const { createModel, generate } = await importModule<Module>(emit(plan, { types: false })[0]!.text);
  const open = async (weights: object = reference.parameters): Promise<Model> => {
    const model = await createModel(weights, { threads: 1 });
    return { ...model, close: "close" in model ? model.close : () => undefined };
  };

  test("is right for tsc --strict, and so are those who use it", () => {
    const text = emit(plan)[0]!.text;
    const files = { "page.ts": page, "module.ts": text.replace("// @ts-nocheck\n", "") };
    expect(projectComplaints(files, strict)).toEqual([]);
  });

  test("runs whole texts, and sessions beside them on the same weights", async () => {
    const model = await open();
    const [one, two] = [await model.session({ capacity: 16 }), await model.session({ capacity: 9 })];
    const tokens = Array.from(reference.text(0, 14)["tokens"]!.data);
    const newest = (length: number) => reference.expected("logits", 0, { part: "append", count: length });
    const close = (found: EmittedTensors, length: number): void => {
      const { data, shape } = found["logits"]!;
      const expected = newest(length);
      // Rounding of f32 through a few layers, of logits near 1.
      expect(difference({ ...expected, shape, data: Float64Array.from(data) }, expected)).toBeLessThan(1e-5);
    };
    close(await one.append(tokens.slice(0, 5)), 5);
    close(await two.append(tokens.slice(0, 9)), 9);
    const whole = await model.run({ tokens: { data: tokens, shape: [1, 14] } });
    expect(whole["logits"]!.shape).toEqual([1, 14, 23]);
    close(await one.append(tokens.slice(5, 6)), 6);
    two.dispose();
    const three = await one.fork();
    await one.reserve(20);
    close(await three.append(tokens.slice(6, 8)), 8);
    close(await one.append(tokens.slice(6, 14)), 14);
    expect([one.tokens, three.tokens]).toEqual([tokens, tokens.slice(0, 8)]);
    await three.truncate(2);
    close(await three.append(tokens.slice(2, 4)), 4);
    model.close();
  });

  test("restores what was saved with this model and these weights, and nothing else", async () => {
    const model = await open();
    const session = await model.session({ capacity: 12 });
    await session.append([3, 1, 4]);
    const saved = await session.save();
    const again = await model.restore(saved);
    expect([again.length, again.tokens]).toEqual([3, [3, 1, 4]]);
    expect(await again.append([1])).toEqual(await session.append([1]));
    const changed = { ...reference.parameters } as Record<string, EmittedTensors[string]>;
    const { data, shape } = changed["model.norm.weight"]!;
    changed["model.norm.weight"] = {
      data: Float32Array.from(data, (value, at) => value + (at === 3 ? 1 : 0)),
      shape,
    };
    const other = await open(changed);
    await expect(other.restore(saved)).rejects.toThrow("it was saved with another model, or other weights");
    await expect(model.restore(saved.slice(0, 40))).rejects.toThrow("these bytes are no saved session");
    await expect(model.restore(saved.slice(0, -4))).rejects.toThrow("is cut off");
    for (const each of [model, other]) each.close();
  });

  const written = async (from: object, prompt: string, options: GenerateOptions) => {
    const pieces: string[] = [];
    const running = generate(from, letters, prompt, options);
    for (;;) {
      const next = await running.next();
      if (next.done === true) return { ...next.value, pieces };
      pieces.push(next.value);
    }
  };

  test("goes on with a text as running all of it for each token would", async () => {
    const model = await open();
    const options = { maxTokens: 9, temperature: 0.8, topK: 5, seed: 4 };
    const found = await written(model, "dbe", options);
    expect(found).toMatchObject({ stopped: "length", prompt: 3, text: found.pieces.join("") });
    const session = await model.session({ capacity: 11 });
    expect((await written(session, "dbe", options)).tokens).toEqual(found.tokens.slice(0, 9));
    expect(session.tokens).toEqual([...letters.encode("dbe"), ...found.tokens.slice(0, 8)]);
    // What another prompt has in common with it is not read again.
    const full = await written(session, "dbf", { ...options, maxTokens: 99 });
    expect([full.stopped, full.tokens.length]).toEqual(["capacity", 9]);
    await expect(written(session, "abcdefghijkl", options)).rejects.toThrow(
      "12 more do not fit; `reserve(12)`",
    );
    model.close();
  });

  test("keeps nothing where a model remembers nothing", async () => {
    const forgetful = graphOf(
      "model m { input tokens: i32[B, T]\n e: embedding(5, 5)\n output y: f32[B, T, 5] }",
    );
    const { createModel } = await importModule<Module>(
      emit(planWithSessions(forgetful, target), { types: false })[0]!.text,
    );
    const table = {
      data: Array.from({ length: 25 }, (_, at) => (at % 5 === (Math.floor(at / 5) + 1) % 5 ? 1 : 0)),
      shape: [5, 5],
    };
    const model = await createModel({ "e.weight": table }, { threads: 1 });
    expect((await written(model, "a", { maxTokens: 3 })).tokens).toEqual([1, 2, 3]);
  });

  test("leaves a session whole where nobody asks for more, or a signal says so", async () => {
    const model = await open();
    const session = await model.session({ capacity: 32, chunk: 2 });
    const running = generate(session, letters, "abcd", { maxTokens: 9 });
    await running.next();
    await running.return(undefined as never);
    const stop = new AbortController();
    stop.abort();
    expect(await written(session, "abcdefg", { signal: stop.signal })).toMatchObject({
      stopped: "aborted",
      tokens: [],
    });
    expect((await written(session, "abcdefg", { maxTokens: 2 })).tokens).toEqual(
      (await written(model, "abcdefg", { maxTokens: 2 })).tokens,
    );
    session.dispose();
    await expect(written(session, "a", {})).rejects.toThrow("it is disposed");
    model.close();
  });
});
