import { expect, test } from "vitest";
import { trainingReport } from "../../src/report/training.ts";
import { tabsForTests } from "./tabs.ts";

const curve = [4, 3, 2.5, 2.2].map((y, index) => ({ x: index + 1, y }));

const page = trainingReport({
  title: "Training of gpt2",
  command:
    "lmg train examples/gpt2.lmg --data input.txt --set depth=24 --set dim=1024 -o runs/a-name-that-is-rather-long",
  settings: [["optimizer", "adamw (betas 0.9 and 0.95, eps 1e-8, decay 0.1)"]],
  notes: ["ended well"],
  measures: [{ name: "loss", training: curve, validation: curve }],
  learningRate: curve,
  gradientNorm: curve,
  edges: [29, 32].map((line) => ({
    line: String(line),
    name: "transformer.h.* edge 0",
    source: "transformer.embedded_and_normed",
    branch: "attn.c_attn + attn.c_proj",
    placement: "pre",
    norms: "pre layernorm transformer.h.*.ln_1, post rmsnorm transformer.h.*.post_attention_layernorm",
    gains: "skip 2.83, branch resweight: scale([1])",
    fused:
      "add fused into add_norm (layer of h.*.ln_1; keeps the sum)\npre norm fused into add_norm (layer of h.*.ln_1; keeps the sum)",
    refused:
      "add not fused with a norm: several steps read the sum, and one of them stands before the norm that would take it",
    repeats: "h × 24",
  })),
});

const tabs = tabsForTests();

test.each([360, 800, 1280])("nothing of a report is cut off at a width of %d pixels", async (width) => {
  const tab = await tabs.visit(new Map([["index.html", page]]), {
    prepare: (fresh) => fresh.setViewportSize({ width, height: 900 }),
  });
  if (tab === undefined) return;
  const found = await tab.evaluate(() => {
    const wide = document.querySelector(".wide")!;
    const cells = [...document.querySelectorAll("td, th")];
    return {
      page: document.documentElement.scrollWidth - window.innerWidth,
      table: wide.scrollWidth - wide.clientWidth,
      cut: cells.filter((cell) => cell.scrollWidth > cell.clientWidth + 1).length,
      cells: cells.length,
    };
  });
  expect(found.cells).toBe(24);
  expect(found.page).toBeLessThanOrEqual(0);
  expect(found.cut).toBe(0);
  expect(found.table).toBe(0);
});
