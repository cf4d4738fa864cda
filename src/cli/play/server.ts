import { randomBytes } from "node:crypto";
import { watch } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, dirname } from "node:path";
import { once } from "node:events";

/** What is served, and what is done with what comes back. */
export interface Played {
  /** The file of the model. */
  readonly path: string;
  /** The page, as HTML. */
  readonly page: string;
  /** The model as JSON, read anew. */
  readonly read: () => string;
  /** Writes the model's file; why it could not, or undefined. */
  readonly save: (text: string) => string | undefined;
  /** Bytes of the file that a path below `examples/` names, if the page may have it. */
  readonly example: (path: string) => Uint8Array | undefined;
  /** The most bytes that a model has. */
  readonly most: number;
}

export interface PlayServer {
  readonly url: string;
  readonly close: () => void;
}

/** Isolated from other origins, so that threads may share memory; no other page may frame it, or guess what it is. */
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Content-Security-Policy": "frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cache-Control": "no-store",
} as const;

/** Milliseconds after which a change of the file is told: editors write in several steps. */
const SETTLES = 60;

/**
 * Serves the page for a file on disk, on this machine alone. Every address has a random word in it, which no other page knows; a request
 * whose Host is another name is refused, so that a name which is pointed here (DNS rebinding) leads nowhere. The one thing that is
 * written is the model's file, when the page says "save" from its own origin.
 */
export async function servePlay(played: Played, port: number): Promise<PlayServer> {
  const word = randomBytes(18).toString("base64url");
  const listeners = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    void answer({ played, word, listeners, server }, request, response);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const unwatch = follow(played.path, () => {
    for (const listener of listeners) listener.write("data: changed\n\n");
  });
  return {
    url: `http://127.0.0.1:${portOf(server)}/${word}/`,
    close: () => {
      unwatch();
      server.close();
      server.closeAllConnections();
    },
  };
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

/** Editors put another file in the place of the one that was there: it is the folder that is watched. */
function follow(path: string, changed: () => void): () => void {
  let waiting: ReturnType<typeof setTimeout> | undefined;
  const watcher = watch(dirname(path), (_event, name) => {
    if (name !== null && name !== basename(path) && !name.endsWith(".lmg")) return;
    clearTimeout(waiting);
    waiting = setTimeout(changed, SETTLES);
  });
  return () => {
    clearTimeout(waiting);
    watcher.close();
  };
}

interface Serving {
  readonly played: Played;
  readonly word: string;
  readonly listeners: Set<ServerResponse>;
  readonly server: Server;
}

async function answer(serving: Serving, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { played, word, listeners, server } = serving;
  const send = (status: number, type: string, body: string | Uint8Array): void => {
    response.writeHead(status, { ...headers, "Content-Type": type }).end(body);
  };
  const host = `127.0.0.1:${portOf(server)}`;
  const { host: asked, origin } = request.headers;
  const path = request.url?.startsWith(`/${word}/`) === true ? request.url.slice(word.length + 2) : undefined;
  const isOwn = asked === host && (origin === undefined || origin === `http://${host}`);
  if (!isOwn || path === undefined) {
    send(404, "text/plain", "not here\n");
    return;
  }
  try {
    if (request.method === "PUT" && path === "model") {
      const problem =
        origin === undefined
          ? "only the page itself saves"
          : saved(played, await bodyOf(request, played.most));
      send(problem === undefined ? 204 : 409, "text/plain; charset=utf-8", problem ?? "");
    } else if (request.method !== "GET") send(405, "text/plain", "GET, or PUT of the model\n");
    else if (path === "") send(200, "text/html; charset=utf-8", played.page);
    else if (path === "model") send(200, "application/json", played.read());
    else if (path === "events") {
      response.writeHead(200, { ...headers, "Content-Type": "text/event-stream" }).write(": listening\n\n");
      listeners.add(response);
      response.on("close", () => listeners.delete(response));
    } else {
      const bytes = path.startsWith("examples/") ? played.example(path.slice("examples/".length)) : undefined;
      send(bytes === undefined ? 404 : 200, "application/octet-stream", bytes ?? "not here\n");
    }
  } catch (error) {
    send(500, "text/plain; charset=utf-8", error instanceof Error ? error.message : String(error));
  }
}

/** Why a text could not be saved, or undefined. */
const saved = ({ save }: Played, text: string | undefined): string | undefined =>
  text === undefined ? "a model is text in UTF-8, and no larger than a file of lmg may be" : save(text);

/** Undefined if there is more than a model has, or what is no UTF-8. */
async function bodyOf(request: IncomingMessage, most: number): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Uint8Array>) {
    length += part.length;
    if (length > most) return undefined;
    parts.push(part);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(parts));
  } catch {
    return undefined;
  }
}
