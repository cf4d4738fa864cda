import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface Server {
  /** `http://127.0.0.1:PORT/` */
  readonly url: string;
  readonly close: () => void;
}

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript",
  mjs: "text/javascript",
  json: "application/json",
  wasm: "application/wasm",
};

/** What isolates a page from other origins, so that its threads may share memory. */
const isolation = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** Serves files from memory on a free port, isolated from other origins if it is not said that they are not. */
export async function serve(
  files: ReadonlyMap<string, string | Uint8Array>,
  { isIsolated = true }: { readonly isIsolated?: boolean } = {},
): Promise<Server> {
  const server = createServer(({ url = "/" }, response) => {
    const path = new URL(url, "http://localhost").pathname.slice(1) || "index.html";
    const content = files.get(path);
    response.writeHead(content === undefined ? 404 : 200, {
      "Content-Type": types[path.split(".").at(-1)!] ?? "application/octet-stream",
      ...(isIsolated ? isolation : {}),
    });
    response.end(content);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => server.close() };
}
