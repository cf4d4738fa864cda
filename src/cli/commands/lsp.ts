import { createConnection, ProposedFeatures } from "vscode-languageserver/node";
import type { Command } from "../command.ts";
import { LanguageServer } from "../lsp/server.ts";

export const command: Command = {
  arguments: [],
  options: [
    { flags: "--stdio", description: "speak over standard input and output, which is the one way there is" },
  ],
  examples: [
    [
      "lmg lsp",
      "what an editor starts for .lmg files: diagnostics, hover, completion, rename and more as one types",
    ],
  ],
  async run() {
    const connection = createConnection(ProposedFeatures.all, process.stdin, process.stdout);
    const ended = new Promise<void>((resolve) => {
      process.stdin.once("close", resolve);
    });
    new LanguageServer(connection).listen();
    await ended;
  },
};
