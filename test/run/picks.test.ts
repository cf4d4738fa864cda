import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { importModule } from "../../src/emit/emitted.ts";
import { targets } from "../../src/emit/targets.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { openSessions, sessionsPlan, type SessionModel } from "../../src/run/sessions.ts";
import { generateTokens, sessionLogits, type GenerateOptions } from "../../src/session/generate.ts";
import { Reference } from "../incremental/decoded.ts";
import { derived, graphOf } from "../incremental/models.ts";
import { executionDevice } from "../webgpu/device.ts";

/** More logits than a workgroup sorts. */
const VOCAB = 2100;

const model = (attention: string): Graph =>
  graphOf(
    `model m(dim = 8) {\n  input tokens: i32[B, T]\n  e: embedding(${VOCAB}, dim)\n  residual { attn: ${attention} }\n  ln: rmsnorm\n  head: linear(${VOCAB})\n  output logits: f32[B, T, ${VOCAB}]\n}`,
  );

const plain = model("attention(2, rope: rope)");
/** One that carries the last rows of a window, so that going back by one position reads others again. */
const windowed = model("attention(2, rope: rope, window: 5)");

const device = await executionDevice();

/** What came back from the device, by the bytes of each buffer that was read. */
let back: number[] = [];

beforeAll(() => {
  if (device === undefined) return;
  const create = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = create(descriptor);
    const read = buffer.getMappedRange.bind(buffer);
    buffer.getMappedRange = (...given) => {
      const bytes = read(...given);
      back.push(bytes.byteLength);
      return bytes;
    };
    return buffer;
  };
});

afterAll(() => {
  device?.destroy();
});

async function openOnDevice(graph: Graph, reference: Reference): Promise<SessionModel> {
  const decoding = derived(graph, { target: targets.wgsl.target({}) });
  const emit = await targets.wgsl.load();
  const [file] = emit(sessionsPlan(decoding, { target: "wgsl", logits: "logits" }), { types: false });
  const { createModel } = await importModule<{
    createModel: (
      device: GPUDevice,
      weights: object,
    ) => Promise<Omit<SessionModel, "close"> & { readonly destroy: () => void }>;
  }>(file!.text);
  const { session, restore, destroy } = await createModel(device!, reference.parameters);
  return { session, restore, close: destroy };
}

const options: readonly GenerateOptions[] = [
  {},
  { temperature: 0.8, topK: 40, topP: 0.95 },
  { temperature: 1, topP: 0.4 },
  { temperature: 0.9, minP: 0.3 },
  { temperature: 1 },
  { repetition: { penalty: 1.5, last: 8 } },
  { temperature: 0.7, topK: 30, repetition: { penalty: 1.2 }, presence: 0.1, frequency: 0.1 },
];

describe.skipIf(device === undefined).each([
  ["rows alone", plain],
  ["a window", windowed],
])("tokens of a model that keeps %s", (_, graph) => {
  const reference = new Reference(graph, "T", { B: 1, T: 4 });
  let models: readonly SessionModel[];

  beforeAll(async () => {
    const cpu = (["ts", "wasm"] as const).map((target) =>
      openSessions(derived(graph, { target: targets[target].target({}) }), reference.parameters, {
        target,
        threads: 1,
        logits: "logits",
      }),
    );
    models = await Promise.all([openOnDevice(graph, reference), ...cpu]);
  });

  afterAll(() => {
    for (const model of models) model.close();
  });

  async function textOf(model: SessionModel, given: GenerateOptions, prompt = [3, 1, 4]): Promise<number[]> {
    const session = await model.session({ capacity: 40, chunk: 2 });
    const tokens: number[] = [];
    const running = generateTokens(sessionLogits(session), prompt, { maxTokens: 12, ...given });
    for await (const id of running) tokens.push(id);
    session.dispose();
    return tokens;
  }

  test.each(options.map((each) => [JSON.stringify(each), each] as const))(
    "are those of the other targets for each seed: %s",
    async (_, sampling) => {
      for (const seed of [1, 2]) {
        const [found, ...others] = await Promise.all(
          models.map((model) => textOf(model, { seed, ...sampling })),
        );
        expect(found).toHaveLength(12);
        expect(new Set(found).size).toBeGreaterThan(1);
        for (const other of others) expect(found).toEqual(other);
      }
    },
  );

  test("come back alone: 4 bytes each where the likeliest is taken, a kilobyte where one is drawn", async () => {
    back = [];
    await textOf(models[0]!, {}, [3, 1]);
    // Of a model that carries rows, a prompt leaves a copy of them for going back.
    const copied = graph === windowed ? 2 : 0;
    expect(back.filter((bytes) => bytes === 4)).toHaveLength(12);
    expect(back).toHaveLength(12 + copied);
    back = [];
    await textOf(models[0]!, { temperature: 0.8, topK: 40 }, [3, 1]);
    expect(Math.max(...back)).toBeLessThan(VOCAB);
    expect(back.filter((bytes) => bytes === 4 * 128)).toHaveLength(2 * 12);
  });

  test("go on where a text was edited, and are not mixed with what was found for the one before", async () => {
    const [onDevice, inTypeScript] = models as [SessionModel, SessionModel];
    const sessions = await Promise.all(
      [onDevice, inTypeScript].map((model) => model.session({ capacity: 20 })),
    );
    const texts = await Promise.all(
      sessions.map(async (session) => {
        const found: number[][] = [];
        for (const prompt of [
          [3, 1, 4],
          [3, 1],
          [3, 1, 4, 1, 5],
          [3, 1, 4, 1, 5, 9],
        ]) {
          const tokens: number[] = [];
          const running = generateTokens(sessionLogits(session), prompt, { maxTokens: 5 });
          for await (const id of running) {
            tokens.push(id);
            if (tokens.length === 3) break;
          }
          found.push(tokens);
        }
        const fork = await session.fork();
        const after = await fork.append([7]);
        await session.reserve(30);
        const outputs = await session.append([7]);
        expect(Array.from(outputs["logits"]!.data)).toEqual(Array.from(after["logits"]!.data));
        return found;
      }),
    );
    expect(texts[0]).toEqual(texts[1]);
  });

  test("end where there is no room for more", async () => {
    const session = await models[0]!.session({ capacity: 6 });
    const tokens: number[] = [];
    const running = generateTokens(sessionLogits(session), [1, 2], { maxTokens: 9 });
    for await (const id of running) tokens.push(id);
    // A window needs no room however long a text is.
    expect(tokens).toHaveLength(graph === windowed ? 9 : 5);
    expect(session.length).toBe(tokens.length + 1);
  });

  test("of several texts side by side are drawn from all logits", async () => {
    const session = await models[0]!.session({ batch: 2 });
    expect(session.picks).toBe(undefined);
  });
});
