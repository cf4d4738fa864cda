import type { Command } from "../command.ts";
import { documentation, type Entry } from "../documentation/entries.ts";
import { nearest } from "../../support/text.ts";
import { writeJson } from "../out.ts";
import { stop } from "../stop.ts";

interface OpsOptions {
  readonly markdown?: true;
  readonly json?: true;
}

const titles: { readonly [K in Entry["kind"]]: string } = {
  layer: "Layers of the language",
  block: "Blocks of the standard library",
  statement: "Statements",
  clause: "Clauses of a residual edge",
  word: "Words that join, and values with a name",
  setting: "Settings of `train`",
  optimizer: "Optimizers",
  schedule: "Schedules of the learning rate",
  augmentation: "Augmentations",
  initializer: "Initializers",
  function: "Functions of numbers",
  kind: "Kinds of parameters",
  dtype: "Types of elements",
  lint: "Warnings that `allow` silences",
  op: "Ops of graphs",
};

const kinds = Object.keys(titles) as readonly Entry["kind"][];

export const command: Command = {
  arguments: [
    {
      name: "[name]",
      description: "only what has this name: a layer, a block, an op, or any word of the language",
    },
  ],
  options: [
    { flags: "--markdown", description: "as a Markdown page" },
    { flags: "--json", description: "as JSON" },
  ],
  examples: [
    ["lmg ops linear", "what `linear` computes, its parameters and what it owns"],
    ["lmg ops adamw", "the options of an optimizer, with their defaults; likewise any word of the language"],
    ["lmg ops --markdown > ops.md", "the whole reference as a page"],
  ],
  run([name], { markdown, json }: OpsOptions, out) {
    const all = documentation();
    const entries = name === undefined ? all : all.filter((entry) => entry.name === name);
    if (entries.length === 0) {
      const near = nearest(name ?? "", new Set(all.map((entry) => entry.name)));
      stop("E806", `there is nothing called \`${name ?? ""}\``, near && `did you mean \`${near}\`?`);
    }
    if (json === true) writeJson(out, entries);
    else
      out.write(
        sections(entries, markdown === true ? markdownEntry : plainEntry, markdown === true ? "## " : ""),
      );
  },
};

function sections(entries: readonly Entry[], show: (entry: Entry) => string, mark: string): string {
  const parts = kinds.flatMap((kind) => {
    const found = entries.filter((entry) => entry.kind === kind);
    return found.length === 0 ? [] : [`${mark}${titles[kind]}\n\n${found.map(show).join("\n")}`];
  });
  return parts.join("\n");
}

const plainEntry = ({ usage, doc, note }: Entry): string =>
  `  ${usage}\n      ${doc}${note === "" ? "" : `\n      (${note})`}\n`;

const markdownEntry = ({ name, usage, doc, note }: Entry): string =>
  `### \`${name}\`\n\n\`\`\`\n${usage}\n\`\`\`\n\n${doc}${note === "" ? "" : `\n\n*${note}*`}\n`;
