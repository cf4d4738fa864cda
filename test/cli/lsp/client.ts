import type { ChildProcessWithoutNullStreams } from "node:child_process";
import {
  createMessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
  type MessageConnection,
} from "vscode-jsonrpc/node";

interface Sent {
  readonly uri: string;
  readonly diagnostics: readonly {
    readonly message: string;
    readonly code: string;
    readonly range: object;
  }[];
}

/** An editor, as far as tests need one: it opens and changes texts, asks, and waits for what the server says of itself. */
export class Editor {
  readonly #connection: MessageConnection;
  readonly #versions = new Map<string, number>();
  readonly #early: Promise<never>;
  readonly #waiting: ((sent: Sent) => boolean)[] = [];
  /** What the server showed its user. */
  readonly messages: string[] = [];

  /** The exit code of the server, when it has ended. */
  readonly ended: Promise<number | null>;

  constructor(server: ChildProcessWithoutNullStreams) {
    let errors = "";
    server.stderr.on("data", (text: Buffer) => (errors += text.toString()));
    this.ended = new Promise((resolve) => {
      server.once("close", resolve);
    });
    this.#early = this.ended.then(() => {
      throw new Error(`the server has ended: ${errors}`);
    });
    // Only who waits for an answer is told.
    this.#early.catch(() => undefined);
    this.#connection = createMessageConnection(
      new StreamMessageReader(server.stdout),
      new StreamMessageWriter(server.stdin),
    );
    this.#connection.onNotification("textDocument/publishDiagnostics", (sent: Sent) => {
      const at = this.#waiting.findIndex((takes) => takes(sent));
      if (at >= 0) this.#waiting.splice(at, 1);
    });
    this.#connection.onNotification("window/showMessage", ({ message }: { message: string }) => {
      this.messages.push(message);
    });
    this.#connection.listen();
  }

  async begin(): Promise<unknown> {
    const found = await this.ask("initialize", { processId: null, rootUri: null, capabilities: {} });
    await this.#connection.sendNotification("initialized", {});
    return found;
  }

  ask<T>(method: string, params: object): Promise<T> {
    return Promise.race([this.#connection.sendRequest<T>(method, params), this.#early]);
  }

  /** Opens a text, and waits for what is wrong with it. */
  async open(uri: string, text: string): Promise<Sent["diagnostics"]> {
    const told = this.#told(uri);
    this.#versions.set(uri, 1);
    await this.#connection.sendNotification("textDocument/didOpen", {
      textDocument: { uri, languageId: "lmg", version: 1, text },
    });
    return told;
  }

  /** Puts a text in the place of a whole one. */
  async change(uri: string, text: string): Promise<Sent["diagnostics"]> {
    const told = this.#told(uri);
    const version = this.#versions.get(uri)! + 1;
    this.#versions.set(uri, version);
    await this.#connection.sendNotification("textDocument/didChange", {
      textDocument: { uri, version },
      contentChanges: [{ text }],
    });
    return told;
  }

  /** What is said of a text next. */
  next(uri: string): Promise<Sent["diagnostics"]> {
    return this.#told(uri);
  }

  async end(): Promise<void> {
    await this.ask("shutdown", {});
    await this.#connection.sendNotification("exit");
    this.#connection.end();
    this.#connection.dispose();
  }

  #told(uri: string): Promise<Sent["diagnostics"]> {
    return new Promise((resolve) => {
      this.#waiting.push((sent) => {
        if (sent.uri !== uri) return false;
        resolve(sent.diagnostics);
        return true;
      });
    });
  }
}
