import "../emit/wasm/relaxed.ts";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Page } from "playwright-core";
import { build } from "vite";
import { beforeAll, describe, expect, test } from "vitest";
import { tokenizerOf } from "../../src/page/texts.ts";
import type { generate as generateText, SessionMaker, TextSession } from "../../src/session/generate.ts";
import { keepWorkers, tabsForTests, type PageFiles } from "../browser/tabs.ts";
import type * as Talk from "./app/main.ts";
import { compilePage, endless, filesIn, talkingWhale, temporaryFolder } from "./talks.ts";

declare global {
  interface Window {
    talk: typeof Talk;
  }
}

const folder = temporaryFolder();
const app = join(folder, "app");
const tabs = tabsForTests();
let files: PageFiles = new Map();

/** As Vite's own template for TypeScript has it, and stricter. */
const strict = {
  target: "es2022",
  module: "esnext",
  moduleResolution: "bundler",
  lib: ["es2022", "dom", "dom.iterable"],
  types: [],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noImplicitOverride: true,
  noPropertyAccessFromIndexSignature: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  skipLibCheck: false,
  noEmit: true,
};

/** A Vite app: the page's folder is what is served as it is, and its API is imported by the app's TypeScript. */
beforeAll(async () => {
  await compilePage("--target", "wgsl", talkingWhale(folder), "-o", join(app, "public/talk"));
  mkdirSync(join(app, "src"));
  writeFileSync(join(app, "index.html"), `<!doctype html><script type="module" src="/src/main.ts"></script>`);
  const main = readFileSync("test/page/app/main.ts", "utf8").replace(
    "../../../src/page/api.ts",
    "../public/talk/index.js",
  );
  writeFileSync(join(app, "src/main.ts"), main);
  writeFileSync(join(app, "tsconfig.json"), JSON.stringify({ compilerOptions: strict, include: ["src"] }));
  await build({ root: app, configFile: false, logLevel: "error" });
  files = filesIn(join(app, "dist"));
});

test("TypeScript at its strictest takes the app", () => {
  const args = [resolve("node_modules/typescript/bin/tsc"), "-p", app];
  const { stdout, status } = spawnSync(process.execPath, args, { encoding: "utf8" });
  expect([stdout, status]).toEqual(["", 0]);
});

test("the app's script has the API alone: worker, modules and weights lie beside it, as they were written", () => {
  const scripts = [...files].filter(([path]) => path.startsWith("assets/"));
  expect(scripts.map(([path]) => path)).toEqual([expect.stringMatching(/^assets\/index-.*\.js$/)]);
  expect(scripts[0]![1].length).toBeLessThan(5000);
  const weights = readFileSync(join(app, "public/talk/model.safetensors"));
  expect(weights.equals(files.get("talk/model.safetensors") as Uint8Array)).toBe(true);
});

/** The text that Node writes, by the same module, in one thread. */
async function textInNode(prompt: string, options: object): Promise<string> {
  const at = (name: string): string => join(app, "public/talk", name);
  const module = (await import(pathToFileURL(at("model.wasm.js")).href)) as {
    readonly generate: typeof generateText;
    readonly loadSafetensors: (
      bytes: Uint8Array,
      options: object,
    ) => Promise<
      SessionMaker<TextSession & { readonly dispose: () => void }> & { readonly close: () => void }
    >;
  };
  const texts = new Map(
    ["tokenizer.json", "tokenizer_config.json"].map((name) => [name, readFileSync(at(name), "utf8")]),
  );
  const { encode, decode } = tokenizerOf(texts);
  const model = await module.loadSafetensors(readFileSync(at("model.safetensors")), { threads: 1 });
  let text = "";
  const tokenizer = { encode: (given: string) => encode(given) as readonly number[], decode };
  for await (const piece of module.generate(model, tokenizer, prompt, options)) text += piece;
  model.close();
  return text;
}

const { greedy } = JSON.parse(readFileSync("examples/weights/whale/golden.json", "utf8")) as {
  greedy: readonly { readonly prompt: string; readonly greedy_text: string }[];
};

const sampled = { maxTokens: 40, temperature: 0.8, topP: 0.95, seed: 7 };

/** The app with the model in a worker. */
async function visit(
  options: Talk.Choice,
  { isIsolated = true, pages = files }: { readonly isIsolated?: boolean; readonly pages?: PageFiles } = {},
): Promise<Page | undefined> {
  const tab = await tabs.visit(pages, { isIsolated, prepare: keepWorkers });
  await tab?.waitForFunction(() => "talk" in window);
  await tab?.evaluate((choice) => window.talk.open(choice), options);
  return tab;
}

describe.each([{ target: "wasm", threads: 1 }, { target: "wasm", threads: 2 }, { target: "wgsl" }] as const)(
  "a page with %o",
  (choice) => {
    test("writes the text of transformers, and of Node, greedy and drawn by a seed", async () => {
      const tab = await visit(choice);
      if (tab === undefined) return;
      const { threads, target } = await tab.evaluate(() => window.talk.facts());
      expect([target, threads]).toEqual([choice.target, "threads" in choice ? choice.threads : 1]);
      const { prompt, greedy_text } = greedy[0]!;
      const write = (options: Talk.Options) =>
        tab.evaluate(({ prompt, options }) => window.talk.write(prompt, options), { prompt, options });
      const first = await write({ maxTokens: 24 });
      expect(first.pieces.join("")).toBe(greedy_text.slice(0, 24));
      expect(first.result).toMatchObject({
        text: greedy_text.slice(0, 24),
        stopped: "length",
        prompt: prompt.length,
      });
      expect(first.result.firstToken).toBeGreaterThan(0);
      expect(first.result.rate).toBeGreaterThan(0);
      const drawn = await write(sampled);
      expect(drawn.result.text).toBe(await textInNode(prompt, sampled));
      expect((await write({ ...sampled, seed: 8 })).result.text).not.toBe(drawn.result.text);
    });

    test("ends a text by a signal, by leaving the loop, and before its turn; what comes next is whole", async () => {
      const tab = await visit(choice, { pages: endless(files, "talk/model.json") });
      if (tab === undefined) return;
      const { prompt, greedy_text } = greedy[0]!;
      const ended = await tab.evaluate((prompt) => window.talk.endEarly(prompt), prompt);
      expect(ended.map(({ stopped }) => stopped)).toEqual(["aborted", "aborted", "aborted"]);
      expect(ended[2]!.tokens).toEqual([]);
      for (const { text, tokens } of ended.slice(0, 2)) {
        expect(tokens.length).toBeGreaterThan(2);
        expect(greedy_text.startsWith(text.slice(0, 24))).toBe(true);
      }
      const { result } = await tab.evaluate((prompt) => window.talk.write(prompt, { maxTokens: 8 }), prompt);
      expect(result.text).toBe(greedy_text.slice(0, 8));
    });
  },
);

test("where a page is not isolated it has one thread, whatever it asks for, and the same text", async () => {
  const tab = await visit({ target: "wasm", threads: 2 }, { isIsolated: false });
  if (tab === undefined) return;
  expect((await tab.evaluate(() => window.talk.facts())).threads).toBe(1);
  expect(tab.workers()).toHaveLength(1);
  const { prompt, greedy_text } = greedy[0]!;
  const { result } = await tab.evaluate((prompt) => window.talk.write(prompt, { maxTokens: 24 }), prompt);
  expect(result.text).toBe(greedy_text.slice(0, 24));
});

test("without a GPU the processor is taken", async () => {
  const tab = await visit({});
  if (tab === undefined) return;
  expect((await tab.evaluate(() => window.talk.facts())).target).toBe("wasm");
});

describe("a conversation", () => {
  test("is what its template makes of it, and is not read again", async () => {
    const tab = await visit({ target: "wasm", threads: 1 });
    if (tab === undefined) return;
    const turns = await tab.evaluate(() =>
      window.talk.chat(["Call me", "Who is he?"], { maxTokens: 12, seed: 3 }),
    );
    const text = (await textInNode("Call me\n", { maxTokens: 12, seed: 3 })).slice(0, 12);
    expect(turns[0]!.text).toBe(text);
    const whole = `Call me\n${text}\nWho is he?\n`;
    expect(turns[1]!.text).toBe(await textInNode(whole, { maxTokens: 12, seed: 3 }));
    expect(turns[1]!.prompt).toBe(whole.length);
  });

  test("that the template refuses, or that is too long, is an error, and the model goes on", async () => {
    const tab = await visit({ target: "wasm", threads: 2 });
    if (tab === undefined) return;
    const errors = await tab.evaluate(() => window.talk.refusals());
    expect(errors).toEqual([
      expect.stringContaining("its chat template takes no such conversation: no system here"),
      expect.stringContaining("has no token for `‽`"),
      expect.stringMatching(
        /^RangeError: the conversation has \d+ tokens, and the model reads at most 256: leave out what was said first, or begin anew$/,
      ),
      expect.stringMatching(
        /^RangeError: the prompt has \d+ tokens, and the model reads at most 256: shorten it$/,
      ),
      expect.stringMatching(/^RangeError: `topP` is a number from 0 to 1, got 2$/),
    ]);
    const { result } = await tab.evaluate(() => window.talk.write("The whale", { maxTokens: 4 }));
    expect(result.tokens).toHaveLength(4);
  });
});

describe("a worker that dies", () => {
  test("ends the text that is written, and all later ones, with an error", async () => {
    const tab = await visit({ target: "wasm", threads: 2 });
    if (tab === undefined) return;
    const told = "Error: the worker of the model is gone, and the model with it: load it again";
    const failures = await tab.evaluate(async () => {
      const failure = await window.talk.untilFailure(() => {
        window.workers[0]!.terminate();
      });
      return [failure, await window.talk.untilFailure()];
    });
    expect(failures).toEqual([told, told]);
  });

  test("as one of several threads ends it too, and is named", async () => {
    const worker = new TextDecoder().decode(files.get("talk/worker.js") as Uint8Array);
    const tab = await visit(
      { target: "wasm", threads: 2 },
      { pages: new Map([...files, ["talk/worker.js", mortal + worker]]) },
    );
    if (tab === undefined) return;
    const failures = await tab.evaluate(async () => {
      const ends = new BroadcastChannel("end");
      const failure = await window.talk.untilFailure(() => {
        ends.postMessage("");
      });
      return [failure, await window.talk.untilFailure()];
    });
    const told = "EngineError: the model runs no more: thread 1 is gone: its worker was ended";
    expect(failures).toEqual([told, told]);
  });
});

/** Lets a test end the threads that a worker starts. */
const mortal = `
  const started = [];
  globalThis.Worker = class extends Worker {
    constructor(...given) {
      super(...given);
      started.push(this);
    }
  };
  new BroadcastChannel("end").onmessage = () => started.forEach((worker) => worker.terminate());
`;

test("loading tells how far it is, ends by a signal, and says what is missing", async () => {
  const tab = await tabs.visit(files);
  if (tab === undefined) return;
  await tab.waitForFunction(() => "talk" in window);
  const { progress, aborted, missing } = await tab.evaluate(() => window.talk.loading());
  const bytes = files.get("talk/model.safetensors")!.length;
  expect(progress.map(({ phase }) => phase)).toEqual(
    expect.arrayContaining(["download", "memory"]) as unknown,
  );
  const downloads = progress.filter(({ phase }) => phase === "download");
  expect(downloads.at(-1)).toEqual({ phase: "download", loaded: bytes, total: bytes });
  expect(downloads.every(({ loaded }, at) => at === 0 || loaded > downloads[at - 1]!.loaded)).toBe(true);
  expect(aborted).toBe("Error: enough");
  expect(missing).toMatch(/^Error: the worker of the model ended: /);
  await withoutWorkers(tab);
});

test("a model that is closed ends what it writes, and leaves no workers", async () => {
  const tab = await visit({ target: "wasm", threads: 2 });
  if (tab === undefined) return;
  expect(await tab.evaluate(() => window.talk.closed())).toBe("Error: the model was closed");
  await withoutWorkers(tab);
});

/** A browser lets workers go on for some seconds that do not stop by themselves. */
const withoutWorkers = (tab: Page): Promise<void> =>
  expect.poll(() => tab.workers().length, { timeout: 60_000, interval: 100 }).toBe(0);
