import { expect, test } from "vitest";
import { foldRows } from "../../src/report/folding.ts";
import { showBytes, showCount } from "../../src/cli/numbers.ts";
import { showTable } from "../../src/cli/table.ts";
import { summarize } from "../../src/cli/run/values.ts";
import { hostTensor } from "../../src/tensor/host.ts";

const row = (text: string, ...scope: [string, number][]) => ({
  row: { text },
  scope: scope.map(([label, index]) => ({ label, index })),
});

test("rows that differ only by the iteration fold, the others stay", () => {
  const rows = [
    row("wte"),
    row("h.0.ln into h.0.mlp", ["h", 0]),
    row("h.1.ln into h.1.mlp", ["h", 1]),
    row("h.10.ln into h.10.mlp", ["h", 10]),
    row("h.11.ln into ln_f", ["h", 11]),
  ];
  expect(foldRows(rows)).toStrictEqual([
    { row: { text: "wte" }, count: 1, repeats: "", indices: [0] },
    { row: { text: "h.*.ln into h.*.mlp" }, count: 3, repeats: "h × 3", indices: [1, 2, 3] },
    { row: { text: "h.11.ln into ln_f" }, count: 1, repeats: "", indices: [4] },
  ]);
});

test("a number behind another label is kept: it may mean something else", () => {
  const rows = [
    row("h.0.conv.3", ["h", 0]),
    row("h.1.conv.4", ["h", 1]),
    row("gh.0.h.1", ["h", 1]),
    row("gh.0.h.2", ["h", 2]),
  ];
  expect(foldRows(rows).map((folded) => [folded.row.text, folded.count])).toStrictEqual([
    ["h.0.conv.3", 1],
    ["h.1.conv.4", 1],
    ["gh.0.h.*", 2],
  ]);
});

test("a table aligns numbers to the right and leaves no blanks at line ends", () => {
  expect(
    showTable(
      ["part", "count"],
      [
        ["a", "1"],
        ["long name", "1,000"],
      ],
      [1],
    ),
  ).toBe("part       count\na              1\nlong name  1,000\n");
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.00 kB"],
  [999_600, "1.00 MB"],
  [124_439_808 * 4, "498 MB"],
])("%d bytes are shown as %s", (bytes, text) => {
  expect(showBytes(bytes)).toBe(text);
});

test.each([
  [0, "0"],
  [999, "999"],
  [1000, "1,000"],
  [124_439_808, "124,439,808"],
])("%d is shown as %s", (count, text) => {
  expect(showCount(count)).toBe(text);
});

test("a tensor is summed up in a line that shows what is not finite", () => {
  expect(summarize(hostTensor("f32", [3], [0.5, -1 / 3, 2]))).toBe("f32[3] = 0.5, -0.3333, 2");
  expect(summarize(hostTensor("f32", [2, 4], [1, 2, 3, 4, 5, 6, -7, NaN]))).toBe(
    "f32[2, 4] = 1, 2, 3, 4, 5, 6, … from -7 to 6 (1 not finite)",
  );
});
