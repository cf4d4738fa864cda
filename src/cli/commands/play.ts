import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeFile } from "../../checkpoint/files.ts";
import { places } from "../../checkpoint/places.ts";
import { parseNumber } from "../arguments.ts";
import type { Command } from "../command.ts";
import { playgroundPage } from "../play/page.ts";
import { readPlayed } from "../play/project.ts";
import { servePlay } from "../play/server.ts";
import { modelArgument, modelOptions, type ModelOptions } from "../source.ts";
import { orStop } from "../stop.ts";

interface PlayOptions extends ModelOptions {
  readonly port: string;
}

/** The examples that the package carries, from `src/cli/commands` and from `dist/cli/commands` alike. */
const examples = fileURLToPath(new URL("../../../examples/", import.meta.url));

/** What the page may fetch of them: the model that writes texts, and data to train on. */
const fetched: ReadonlySet<string> = new Set([
  ...["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"].map(
    (file) => `weights/whale/${file}`,
  ),
  ...["digits-images.idx.gz", "digits-labels.idx.gz", "moby-dick.txt.gz"].map((file) => `data/${file}`),
]);

export const command: Command = {
  arguments: [modelArgument],
  options: [
    ...modelOptions.filter(({ flags }) => flags === "--allow-outside"),
    { flags: "--port <number>", description: "where it is served; any free one if it is 0", default: "0" },
  ],
  examples: [
    [
      "lmg play model.lmg",
      "a page with the picture, edges, passes, plan and trainings of the file, which follows its changes",
    ],
  ],
  async run([path], options: PlayOptions, out) {
    const port = orStop(parseNumber("--port", options.port, 0, 65_535, true));
    readPlayed(path!, options);
    const page = await playgroundPage();
    const server = await servePlay(
      {
        path: path!,
        page: page.replace("<html ", `<html data-play="${attribute(basename(path!))}" `),
        read: () => JSON.stringify(readPlayed(path!, options)),
        save: (text) => writeFile(path!, text)?.message,
        example: (name) => (fetched.has(name) ? readFileSync(join(examples, name)) : undefined),
        most: places.model.bytes,
      },
      port,
    );
    out.write(`${server.url}\n`);
    out.note(`${path!} is shown there, and follows what is written to it; Ctrl-C ends this\n`);
    const ended = new Promise<void>((resolve) => {
      out.outlive?.().addEventListener("abort", () => resolve());
      process.once("SIGINT", () => resolve());
      process.once("SIGTERM", () => resolve());
    });
    await ended;
    server.close();
  },
};

const attribute = (text: string): string => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
