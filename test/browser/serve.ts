import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface Server {
  /** `http://127.0.0.1:PORT/` */
  readonly url: string;
  readonly close: () => void;
}

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css",
  js: "text/javascript",
  mjs: "text/javascript",
  json: "application/json",
  svg: "image/svg+xml",
  wasm: "application/wasm",
};

/** What isolates a page from other origins, so that its threads may share memory. */
const isolation = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export interface ServeOptions {
  /** Whether pages are isolated from other origins; they are if nothing is said. */
  readonly isIsolated?: boolean;
  /** Seconds that a browser may keep a file without asking again; none if nothing is said. */
  readonly maxAge?: number;
}

/** Serves files from memory on a free port. */
export async function serve(
  files: ReadonlyMap<string, string | Uint8Array>,
  { isIsolated = true, maxAge = 0 }: ServeOptions = {},
): Promise<Server> {
  const server = createServer(({ url = "/" }, response) => {
    const path = new URL(url, "http://localhost").pathname.slice(1) || "index.html";
    const content = files.get(path);
    response.writeHead(content === undefined ? 404 : 200, {
      "Content-Type": types[path.split(".").at(-1)!] ?? "application/octet-stream",
      ...(maxAge > 0 ? { "Cache-Control": `max-age=${maxAge}, immutable` } : {}),
      ...(isIsolated ? isolation : {}),
    });
    response.end(content);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => server.close() };
}
