import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { targets, type TargetName } from "../../src/emit/targets.ts";
import { planWithSessions } from "../emit/sessions.ts";
import { shownIn, tabsForTests } from "./tabs.ts";
import { compileWhale, folder, weights } from "./whale.ts";

const page = readFileSync("test/browser/page/generate.html", "utf8");

/** How transformers goes on with texts, the likeliest character always; the golden itself says how it was made. */
const { greedy } = JSON.parse(readFileSync(`${folder}/golden.json`, "utf8")) as {
  greedy: readonly { readonly prompt: string; readonly greedy_text: string }[];
};
const TOKENS = 24;

const tabs = tabsForTests();

test.each(["wasm", "wgsl"] as const)(
  "a page goes on with a text as transformers does, a token at a time, by the module for %s",
  async (target: TargetName) => {
    const { prompt, greedy_text } = greedy[0]!;
    const { graph } = compileWhale();
    const emit = await targets[target].load();
    const tab = await tabs.visit(
      new Map<string, string | Uint8Array>([
        ["index.html", page],
        ["model.js", emit(planWithSessions(graph, target), { types: false })[0]!.text],
        ["weights.safetensors", weights],
        ["tokenizer.json", readFileSync(`${folder}/tokenizer.json`)],
        ["prompt.json", JSON.stringify({ prompt, maxTokens: TOKENS })],
      ]),
    );
    if (tab === undefined) return;
    const text = prompt + greedy_text.slice(0, TOKENS);
    expect(await shownIn(tab, "text")).toEqual({ state: "done", text });
  },
);
