import "../emit/wasm/relaxed.ts";
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { emitWasm } from "../../src/emit/wasm/emit.ts";
import { wasmTarget } from "../../src/emit/wasm/target.ts";
import { importText, type EmittedModule, type Model, type Tensor } from "../emit/wasm/instantiate.ts";
import { openBrowser, type Browser } from "./chromium.ts";
import { serve, type Server } from "./serve.ts";
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

let browser: Browser | undefined;
let server: Server | undefined;

beforeAll(async () => {
  browser = await openBrowser();
});

afterEach(() => {
  server?.close();
});

afterAll(async () => {
  await browser?.close();
});

interface Visit {
  readonly isIsolated?: boolean;
  readonly machine?: "relaxed" | "plain";
  readonly threads: number;
}

/** A page with the model in some threads; its main thread must run no kernels, and throws if it would. */
async function visit({ isIsolated = true, machine = "relaxed", threads }: Visit): Promise<Page> {
  const files = new Map<string, string | Uint8Array>([
    ["index.html", page],
    ["model.js", module],
    ["weights.safetensors", weights],
  ]);
  server = await serve(files, { isIsolated });
  const tab = await browser!.context.newPage();
  await tab.goto(server.url);
  await tab.evaluate(
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
    if (browser === undefined) return;
    const tab = await visit({ machine, threads });
    expect(tab.workers()).toHaveLength(threads);
    const bits = await bitsInPage(tab);
    await tab.close();
    expect(bits).toHaveLength(3 * 67 * 75);
    // Compared as a whole: a list of all that differs helps nobody.
    expect(bits.join() === (await bitsInNode(machine, threads)).join()).toBe(true);
  },
);

test("the two machines differ in some bits, so that those tests tell them apart", async () => {
  expect((await bitsInNode("relaxed", 1)).join() === (await bitsInNode("plain", 1)).join()).toBe(false);
});

test("a page that is not isolated has one worker and no shared memory, and gives the same bits", async () => {
  if (browser === undefined) return;
  const tab = await visit({ isIsolated: false, threads: 2 });
  expect(await tab.evaluate(() => typeof SharedArrayBuffer)).toBe("undefined");
  expect(tab.workers()).toHaveLength(1);
  const bits = await bitsInPage(tab);
  await tab.close();
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
    if (browser === undefined) return;
    const tab = await visit(how);
    const before = await bitsInPage(tab);
    expect(await abortedRun(tab)).toEqual({ turns: 5, ended: "Error: enough" });
    const after = await bitsInPage(tab);
    await tab.close();
    expect(after.join() === before.join()).toBe(true);
  },
);

test("a page is told of an id that the model does not know, and may go on", async () => {
  if (browser === undefined) return;
  const tab = await visit({ threads: 2 });
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
  await tab.close();
  expect(after.join() === before.join()).toBe(true);
});

test("a model that is closed leaves no workers in the page", async () => {
  if (browser === undefined) return;
  const tab = await visit({ threads: 2 });
  const gone = Promise.all(tab.workers().map((worker) => worker.waitForEvent("close")));
  await tab.evaluate(() => {
    window.model.close();
  });
  await gone;
  expect(tab.workers()).toHaveLength(0);
  await tab.close();
});
