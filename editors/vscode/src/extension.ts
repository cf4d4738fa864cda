import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  commands,
  ViewColumn,
  window,
  workspace,
  type ExtensionContext,
  type TextDocument,
  type WebviewPanel,
} from "vscode";
import { LanguageClient, TransportKind } from "vscode-languageclient/node";

let client: LanguageClient | undefined;

/** Starts the language server, which knows all that is shown, and the picture that follows the text. */
export async function activate(context: ExtensionContext): Promise<void> {
  const [command, ...args] = serverCommand();
  const run = { command: command!, args, transport: TransportKind.stdio };
  client = new LanguageClient(
    "lmg",
    "lmg",
    { run, debug: run },
    {
      documentSelector: [{ language: "lmg" }],
      synchronize: { fileEvents: workspace.createFileSystemWatcher("**/*.lmg") },
    },
  );
  await client.start();
  const pictures = new Pictures(client);
  context.subscriptions.push(
    commands.registerCommand("lmg.picture", () => pictures.open(window.activeTextEditor?.document)),
    workspace.onDidChangeTextDocument(({ document }) => pictures.refresh(document)),
  );
}

export const deactivate = (): Promise<void> | undefined => client?.stop();

/** What the settings say; or the lmg of the folder that is open; or that of the path. */
function serverCommand(): readonly string[] {
  const set = workspace.getConfiguration("lmg").get<string[]>("command", []);
  if (set.length > 0) return set;
  const [folder] = workspace.workspaceFolders ?? [];
  const own =
    folder &&
    join(folder.uri.fsPath, "node_modules", ".bin", process.platform === "win32" ? "lmg.cmd" : "lmg");
  return [own !== undefined && existsSync(own) ? own : "lmg", "lsp"];
}

/** One picture a text, beside it. While the text has mistakes the last one stays. */
class Pictures {
  readonly #panels = new Map<string, WebviewPanel>();

  constructor(private readonly server: LanguageClient) {}

  async open(document: TextDocument | undefined): Promise<void> {
    if (document?.languageId !== "lmg") return;
    const key = document.uri.toString();
    const there = this.#panels.get(key);
    if (there !== undefined) {
      there.reveal();
      return;
    }
    const title = document.uri.path.split("/").at(-1)!;
    const panel = window.createWebviewPanel(
      "lmg.picture",
      title,
      { viewColumn: ViewColumn.Beside, preserveFocus: true },
      {},
    );
    this.#panels.set(key, panel);
    panel.onDidDispose(() => this.#panels.delete(key));
    await this.refresh(document);
  }

  async refresh(document: TextDocument): Promise<void> {
    const uri = document.uri.toString();
    const panel = this.#panels.get(uri);
    if (panel === undefined) return;
    const { svg } = await this.server.sendRequest<{ svg: string | null }>("lmg/draw", { uri });
    if (svg !== null)
      panel.webview.html = `<!doctype html><meta charset="utf-8"><style>svg { max-width: 100%; height: auto }</style>${svg}`;
  }
}
