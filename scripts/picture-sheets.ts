/**
 * Pictures of models side by side, as they look in light and in dark, to be looked at:
 *
 *     npx tsx scripts/picture-sheets.ts [model.lmg …] [--set name=value …] [-o out/sheets] [--width 1800] [--height 1500]
 *
 * Without models those of examples and families, as they were lowered. A sheet is a PNG that holds as many as there is room for.
 */
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { paint } from "../src/picture/paint.ts";
import { openBrowser } from "../test/browser/chromium.ts";
import { loweredPicture, small } from "../test/picture/pictures.ts";

const { values, positionals } = parseArgs({
  options: {
    out: { type: "string", short: "o", default: "out/sheets" },
    width: { type: "string", default: "1800" },
    set: { type: "string", multiple: true, default: [] },
    height: { type: "string", default: "1500" },
  },
  allowPositionals: true,
});
const [width, height] = [Number(values.width), Number(values.height)];

const modelsIn = (folder: string): readonly string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".lmg"))
    .map((name) => join(folder, name));

const paths = positionals.length > 0 ? positionals : [...modelsIn("examples"), ...modelsIn("src/families")];
const settings = Object.fromEntries(values.set.map((text) => text.split("=", 2) as [string, string]));
const figures = paths.map((path) => {
  const name = basename(path);
  const { scene } = loweredPicture(readFileSync(path, "utf8"), { ...small[name], ...settings });
  return `<figure><figcaption>${name.replace(/\.lmg$/, "")}</figcaption>${paint(scene)}</figure>`;
});

const html = `<meta name="color-scheme" content="light dark"><style>
body { margin: 0; display: flex; flex-flow: column wrap; align-content: flex-start; gap: 8px; height: ${height}px; font: 13px sans-serif }
figure { margin: 4px } svg { zoom: 0.8 }
</style>${figures.join("\n")}`;

mkdirSync(values.out, { recursive: true });
const browser = await openBrowser();
if (browser !== undefined) {
  const page = await browser.context.newPage();
  await page.setViewportSize({ width, height });
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.setContent(html);
    const whole = await page.evaluate(() => document.documentElement.scrollWidth);
    for (let x = 0, sheet = 1; x < whole; x += width, sheet++) {
      await page.evaluate((left) => scrollTo(left, 0), x);
      const path = join(values.out, `${colorScheme}-${sheet}.png`);
      await page.screenshot({ path });
      console.log(path);
    }
  }
  await browser.close();
}
