import "../emit/wasm/relaxed.ts";
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { emitWasm } from "../../src/emit/wasm/emit.ts";
import { wasmTarget } from "../../src/emit/wasm/target.ts";
import { importText, type EmittedModule, type Model, type Tensor } from "../emit/wasm/instantiate.ts";
import { shown } from "./shown.ts";
import { keepWorkers, tabsForTests } from "./tabs.ts";
import { compileWhale, weights } from "./whale.ts";

declare global {
  interface Window {
    emitted: EmittedModule;
    model: Model;
  }
}

const page = readFileSync("test/browser/page/webassembly.html", "utf8");
const module = emitWasm(compileWhale({ target: wasmTarget }).plan, { types: false }).files[0]!.text;

/** Rows and columns that are no multiples of a tile, and enough of them for both threads to have a share. */
const tokens = { data: Array.from({ length: 3 * 67 }, (_, index) => (index * 31) % 75), shape: [3, 67] };

/** Rows of a run that takes so long that something else can happen meanwhile: about a second. */
const MANY = 256;

const tabs = tabsForTests();

interface Visit {
  readonly isIsolated?: boolean;
  readonly machine?: "relaxed" | "plain";
  readonly threads: number;
}

/** A page with the model in some threads; its main thread must run no kernels, and throws if it would. Undefined without a browser. */
async function visit({ isIsolated = true, machine = "relaxed", threads }: Visit): Promise<Page | undefined> {
  const files = new Map<string, string | Uint8Array>([
    ["index.html", page],
    ["model.js", module],
    ["weights.safetensors", weights],
  ]);
  const tab = await tabs.visit(files, { isIsolated, prepare: keepWorkers });
  await tab?.evaluate(
    async ({ machine, threads }) => {
      const refuse = (): never => {
        throw new Error("kernels in the main thread");
      };
      // A module of some bytes asks how the engine rounds; kernels are larger.
      const { instantiate } = WebAssembly;
      const small = (bytes: BufferSource, imports: WebAssembly.Imports) =>
        bytes.byteLength > 500 ? refuse() : instantiate(bytes, imports);
      Object.defineProperties(WebAssembly, { Instance: { value: refuse }, instantiate: { value: small } });
      // A module asks whether the engine takes relaxed SIMD by what is valid.
      if (machine === "plain") Object.defineProperty(WebAssembly, "validate", { value: () => false });
      const bytes = await (await fetch("weights.safetensors")).arrayBuffer();
      window.model = await window.emitted.loadSafetensors(bytes, { threads });
    },
    { machine, threads },
  );
  return tab;
}

const bitsOf = ({ data }: Tensor): number[] => [...new Uint32Array(Float32Array.from(data).buffer)];

/** The bits of the logits in the page. */
const bitsInPage = (tab: Page): Promise<number[]> =>
  tab.evaluate(async (tokens) => {
    const { logits } = await window.model.run({ tokens });
    return [...new Uint32Array(Float32Array.from(logits!.data).buffer)];
  }, tokens);

/** The bits of the logits in Node, by what the engine has of the machine that is asked for. */
async function bitsInNode(machine: "relaxed" | "plain", threads: number): Promise<number[]> {
  const { validate } = WebAssembly;
  if (machine === "plain") WebAssembly.validate = () => false;
  try {
    const { loadSafetensors } = await importText(module);
    const model = await loadSafetensors(weights, { threads });
    const { logits } = await model.run({ tokens });
    model.close();
    return bitsOf(logits!);
  } finally {
    WebAssembly.validate = validate;
  }
}

test.each([
  { machine: "relaxed", threads: 1 },
  { machine: "relaxed", threads: 2 },
  { machine: "plain", threads: 2 },
] as const)(
  "a page gives the bits of Node, with $machine SIMD in $threads threads",
  async ({ machine, threads }) => {
    const tab = await visit({ machine, threads });
    if (tab === undefined) return;
    await shown(() => tab.workers().length).toBe(threads);
    const bits = await bitsInPage(tab);
    expect(bits).toHaveLength(3 * 67 * 75);
    // Compared as a whole: a list of all that differs helps nobody.
    expect(bits.join() === (await bitsInNode(machine, threads)).join()).toBe(true);
  },
);

test("the two machines differ in some bits, so that those tests tell them apart", async () => {
  expect((await bitsInNode("relaxed", 1)).join() === (await bitsInNode("plain", 1)).join()).toBe(false);
});

test("a page that is not isolated has one worker and no shared memory, and gives the same bits", async () => {
  const tab = await visit({ isIsolated: false, threads: 2 });
  if (tab === undefined) return;
  expect(await tab.evaluate(() => typeof SharedArrayBuffer)).toBe("undefined");
  await shown(() => tab.workers().length).toBe(1);
  const bits = await bitsInPage(tab);
  expect(bits.join() === (await bitsInNode("relaxed", 1)).join()).toBe(true);
});

/** Starts a long run, and ends it by a signal when the page has had some turns. */
const abortedRun = (tab: Page): Promise<{ readonly turns: number; readonly ended: string }> =>
  tab.evaluate(async (rows) => {
    const shape = [rows, 128];
    const tokens = { data: Array.from({ length: rows * 128 }, (_, index) => index % 75), shape };
    const abort = new AbortController();
    const progress = { isOver: false };
    const ended = window.model
      .run({ tokens }, { signal: abort.signal })
      .then(() => "done", String)
      .finally(() => (progress.isOver = true));
    let turns = 0;
    while (!progress.isOver && turns < 5) {
      await new Promise((go) => setTimeout(go, 1));
      turns += 1;
    }
    abort.abort(new Error("enough"));
    return { turns, ended: await ended };
  }, MANY);

test.each([
  { isIsolated: true, threads: 1 },
  { isIsolated: true, threads: 2 },
  { isIsolated: false, threads: 1 },
])(
  "a page goes on while a model runs, and a signal ends the run: isolated $isIsolated, $threads threads",
  async (how) => {
    const tab = await visit(how);
    if (tab === undefined) return;
    const before = await bitsInPage(tab);
    expect(await abortedRun(tab)).toEqual({ turns: 5, ended: "Error: enough" });
    const after = await bitsInPage(tab);
    expect(after.join() === before.join()).toBe(true);
  },
);

test("a page is told of an id that the model does not know, and may go on", async () => {
  const tab = await visit({ threads: 2 });
  if (tab === undefined) return;
  const before = await bitsInPage(tab);
  const told = await tab.evaluate(async () => {
    const tokens = { data: [1, 75, 2], shape: [1, 3] };
    const error: unknown = await window.model.run({ tokens }).catch((error: unknown) => error);
    return { isInputError: error instanceof window.emitted.InputError, text: String(error) };
  });
  expect(told).toEqual({
    isInputError: true,
    text: "InputError: the id 75 is not in a table of 75 rows (0 to 74)",
  });
  const after = await bitsInPage(tab);
  expect(after.join() === before.join()).toBe(true);
});

test("a model that is closed leaves no workers in the page", async () => {
  const tab = await visit({ threads: 2 });
  if (tab === undefined) return;
  await shown(() => tab.workers().length).toBe(2);
  await tab.evaluate(() => {
    window.model.close();
  });
  await shown(() => tab.workers().length).toBe(0);
});

/**
 * What runs say after a thread was ended in the midst of one. A browser lets a worker go on for some seconds where it does not
 * stop by itself, so that some runs may still come to an end.
 */
const toldWithoutThread = (tab: Page, rank: number): Promise<readonly string[]> =>
  tab.evaluate(
    async ({ rank, rows }) => {
      const shape = [rows, 128];
      const tokens = { data: Array.from({ length: rows * 128 }, (_, index) => index % 75), shape };
      const run = (): Promise<string> => window.model.run({ tokens }).then(() => "done", String);
      let told = run();
      await new Promise((go) => setTimeout(go, 20));
      window.workers[rank]!.terminate();
      while ((await told) === "done") told = run();
      return [await told, await run()];
    },
    { rank, rows: MANY },
  );

test.each([
  { rank: 0, threads: 1, isIsolated: true },
  { rank: 0, threads: 1, isIsolated: false },
  { rank: 0, threads: 2, isIsolated: true },
  { rank: 1, threads: 2, isIsolated: true },
])(
  "a model whose thread $rank of $threads is ended says so, isolated $isIsolated",
  async ({ rank, ...how }) => {
    const tab = await visit(how);
    if (tab === undefined) return;
    const told = `EngineError: the model runs no more: thread ${rank} is gone: its worker was ended`;
    expect(await toldWithoutThread(tab, rank)).toEqual([told, told]);
  },
);
