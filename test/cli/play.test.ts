import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readPlayed } from "../../src/cli/play/project.ts";
import { servePlay, type PlayServer } from "../../src/cli/play/server.ts";

let folder = "";
let path = "";
let server: PlayServer;

const model = "model m {\n  input x: f32[B, 4]\n  residual { up: linear(4) }\n  output y\n}\n";

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "lmg-play-"));
  path = join(folder, "m.lmg");
  writeFileSync(path, model);
  server = await servePlay(
    {
      path,
      page: "<html>the page</html>",
      read: () => JSON.stringify(readPlayed(path, {})),
      save: (text) => {
        writeFileSync(path, text);
        return undefined;
      },
      example: (name) => (name === "data/a.txt" ? new TextEncoder().encode("words") : undefined),
      most: 1000,
    },
    0,
  );
});

afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What `fetch` would not let one say: another Host. */
const ask = (url: string, { method = "GET", headers = {}, body }: Asked = {}) =>
  new Promise<{ readonly status: number; readonly text: string }>((done, fail) => {
    const sent = request(url, { method, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => (text += part));
      response.on("end", () => {
        done({ status: response.statusCode!, text });
      });
    });
    sent.on("error", fail);
    sent.end(body);
  });

test("the page, the model with what it uses, and what may be fetched of the examples are served", async () => {
  writeFileSync(
    join(folder, "parts.lmg"),
    "block two {\n  input x: [.., D]\n  a: linear(D) -> b: linear(D)\n}\n",
  );
  writeFileSync(path, `use "parts.lmg"\n${model.replace("up: linear(4)", "two")}`);
  expect(await ask(server.url)).toStrictEqual({ status: 200, text: "<html>the page</html>" });
  const read = JSON.parse((await ask(`${server.url}model`)).text) as ReturnType<typeof readPlayed>;
  expect(read.text).toContain('use "parts.lmg"');
  expect(read.files.map((file) => [file.from, file.path, file.text.slice(0, 9)])).toStrictEqual([
    ["", "parts.lmg", "block two"],
  ]);
  expect((await ask(`${server.url}examples/data/a.txt`)).text).toBe("words");
  for (const other of ["examples/data/b.txt", "examples/../../m.lmg", "m.lmg", "model.lmg"])
    expect((await ask(server.url + other)).status).toBe(404);
});

test("nobody but the page has an answer: not another name of this machine, another origin, or who does not know the word", async () => {
  const { origin, port } = new URL(server.url);
  const evil = { Host: `evil.example:${port}` };
  expect((await ask(server.url, { headers: evil })).status).toBe(404);
  expect((await ask(`${server.url}model`, { headers: { Origin: "http://evil.example" } })).status).toBe(404);
  expect((await ask(`${origin}/`)).status).toBe(404);
  expect((await ask(`${origin}/model`)).status).toBe(404);
  // Nor may another page show it in a frame of its own.
  const { headers } = await fetch(server.url);
  expect(headers.get("Content-Security-Policy")).toBe("frame-ancestors 'none'");
});

test("the file is written when the page saves, and by nobody else", async () => {
  const { origin } = new URL(server.url);
  const put = (headers: Readonly<Record<string, string>>, body: string) =>
    ask(`${server.url}model`, { method: "PUT", headers, body });
  expect(await put({}, "a")).toStrictEqual({ status: 409, text: "only the page itself saves" });
  expect((await put({ Origin: "http://evil.example" }, "a")).status).toBe(404);
  const large = await put({ Origin: origin }, "a".repeat(1001));
  expect(large.status).toBe(409);
  expect(large.text).toBe("a model is text in UTF-8, and no larger than a file of lmg may be");
  expect(readFileSync(path, "utf8")).toBe(model);
  expect((await put({ Origin: origin }, "// saved\n")).status).toBe(204);
  expect(readFileSync(path, "utf8")).toBe("// saved\n");
  expect((await ask(server.url, { method: "POST" })).status).toBe(405);
});

test("a change of the file is told", async () => {
  const told = new Promise<string>((done) => {
    request(`${server.url}events`, (response) => {
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        if (part.startsWith(": listening")) writeFileSync(path, `${model}// more\n`);
        else done(part);
      });
      response.on("error", () => undefined);
    }).end();
  });
  expect(await told).toBe("data: changed\n\n");
});
