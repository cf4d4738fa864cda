import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { toStored } from "../../src/checkpoint/stored.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import type { WeightFile } from "../../src/weights/bytes.ts";
import { openSafetensors } from "../../src/weights/open.ts";

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i - 7.5);
/** So long that one read is not all. */
const long = numbers(40_000);
const first = writeSafetensors(
  new Map([
    ["a", toStored(hostTensor("f32", [200, 200], long))],
    ["half", toStored(hostTensor("f32", [3], [0.5, -2, 65504]), "f16")],
    ["brain", toStored(hostTensor("f32", [2], [0.5, -2]), "bf16")],
  ]),
);
const second = writeSafetensors(
  new Map([["whole", toStored(hostTensor("i32", [4], [1, -2, 3, 2 ** 31 - 1]))]]),
);

const folder = mkdtempSync(join(tmpdir(), "lmg-weights-"));
const path = (name: string): string => join(folder, name);
const files = new Map<string, Uint8Array>([
  ["/one.safetensors", first],
  ["/two.safetensors", second],
  [
    "/model.safetensors.index.json",
    new TextEncoder().encode(
      JSON.stringify({
        weight_map: { a: "one.safetensors", whole: "two.safetensors", half: "one.safetensors" },
      }),
    ),
  ],
]);

/** Which ranges were asked for. */
const asked: string[] = [];

function answer(request: IncomingMessage, response: ServerResponse): void {
  const url = request.url ?? "";
  const givesRanges = !url.startsWith("/whole");
  // A server that gives some bytes less than it was asked for, behind the first range.
  const isShort = url.startsWith("/short");
  const bytes = files.get(url.replace(/^\/(whole|short)/, ""));
  if (bytes === undefined) {
    response.writeHead(404).end();
    return;
  }
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
  if (!givesRanges || from === undefined) {
    response.writeHead(200, { "content-length": bytes.length }).end(bytes);
    return;
  }
  asked.push(`${from}-${to!}`);
  const part = bytes.subarray(Number(from), Number(to) + (isShort && from !== "0" ? -9 : 1));
  response
    .writeHead(206, { "content-range": `bytes ${from}-${Number(from) + part.length - 1}/${bytes.length}` })
    .end(part);
}

let server: Server;
let address: string;

beforeAll(async () => {
  for (const [name, bytes] of files) writeFileSync(path(name), bytes);
  server = createServer(answer).listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

/** All elements of all tensors, some at a time. */
async function readAll(source: WeightFile | readonly WeightFile[]): Promise<Record<string, number[]>> {
  const { tensors, close } = await openSafetensors(source);
  const found: Record<string, number[]> = {};
  for (const [name, { shape, read }] of tensors) {
    const size = shape.reduce((product, length) => product * length, 1);
    const parts: number[] = [];
    for (let at = 0; at < size; at += 30_000) parts.push(...(await read(at, Math.min(size, at + 30_000))));
    found[name] = parts;
  }
  close();
  return found;
}

const ofFirst = { a: long, half: [0.5, -2, 65504], brain: [0.5, -2] };
const ofBoth = { ...ofFirst, whole: [1, -2, 3, 2 ** 31 - 1] };

describe("a safetensors file is read a part at a time", () => {
  const ways: readonly (readonly [string, () => WeightFile | readonly WeightFile[], object])[] = [
    ["from memory", () => first, ofFirst],
    ["from memory that begins at an odd byte", () => new Uint8Array([0, ...first]).subarray(1), ofFirst],
    ["from a Blob", () => new Blob([first.slice()]), ofFirst],
    ["by its path", () => path("/one.safetensors"), ofFirst],
    ["by its file: address", () => pathToFileURL(path("/one.safetensors")), ofFirst],
    ["by its address", () => `${address}/one.safetensors`, ofFirst],
    [
      "by its address, on a server that gives no ranges",
      () => new URL(`${address}/whole/one.safetensors`),
      ofFirst,
    ],
    ["as two files", () => [first, path("/two.safetensors")], ofBoth],
    ["by the path of its index", () => path("/model.safetensors.index.json"), ofBoth],
    ["by the address of its index", () => `${address}/model.safetensors.index.json`, ofBoth],
  ];
  test.each(ways)("%s", async (_, source, expected) => {
    expect(await readAll(source())).toEqual(expected);
  });

  test("by its descriptor, which stays open", async () => {
    const file = openSync(path("/one.safetensors"), "r");
    expect(await readAll(file)).toEqual(ofFirst);
    expect(await readAll(file)).toEqual(ofFirst);
    closeSync(file);
  });

  test("of a server no more is asked than is wanted", async () => {
    asked.length = 0;
    const { tensors } = await openSafetensors(`${address}/one.safetensors`);
    await tensors.get("a")!.read(39_000, 39_010);
    expect(asked).toHaveLength(2);
    expect(asked[0]).toBe("0-65535");
    const [from, to] = asked[1]!.split("-").map(Number);
    expect(to! - from! + 1).toBe(40);
  });

  test("a tensor that begins beyond 4 GiB", async () => {
    const large = path("/large.safetensors");
    const begin = 2 ** 32 + 8;
    const header = JSON.stringify({
      hole: { dtype: "U8", shape: [begin], data_offsets: [0, begin] },
      end: { dtype: "F32", shape: [2], data_offsets: [begin, begin + 8] },
    });
    const start = new Uint8Array(8 + header.length);
    new DataView(start.buffer).setBigUint64(0, BigInt(header.length), true);
    start.set(new TextEncoder().encode(header), 8);
    writeFileSync(large, start);
    // The hole takes no room on the disk.
    truncateSync(large, start.length + begin + 8);
    const file = openSync(large, "r+");
    writeSync(file, new Uint8Array(Float32Array.of(1.5, -3).buffer), 0, 8, start.length + begin);
    closeSync(file);
    const { tensors, close } = await openSafetensors(large);
    expect([...(await tensors.get("end")!.read(0, 2))]).toEqual([1.5, -3]);
    expect([...(await tensors.get("hole")!.read(begin - 2, begin))]).toEqual([0, 0]);
    close();
  });
});

describe("what is wrong with a file is said", () => {
  test.each([
    ["a path of nothing", () => path("/none"), "no such file"],
    ["a page that is not there", () => `${address}/none`, "/none answers 404"],
    ["a file that is cut off", () => first.subarray(0, first.length - 1), "the file is cut off: "],
    ["no safetensors file", () => new Uint8Array(100).fill(1), "not a safetensors file, or cut off"],
    ["less than a length", () => new Uint8Array(3), "not a safetensors file: it has 3 bytes"],
    ["two files with one tensor", () => [first, first], "two files have the tensor"],
    ["something else", () => ({}) as Uint8Array, "expected the bytes of a safetensors file"],
  ])("%s", async (_, source, message) => {
    await expect(openSafetensors(source())).rejects.toThrow(message);
  });

  test("a server that gives less than it was asked for", async () => {
    const { tensors } = await openSafetensors(`${address}/short/one.safetensors`);
    await expect((async () => tensors.get("a")!.read(39_000, 39_010))()).rejects.toThrow(
      /short\/one\.safetensors gives 30 bytes from byte \d+, not 40/,
    );
  });

  test.each([
    ["../one.safetensors", "the index names files that are not beside it"],
    ["one.bin", "the index names files that are not beside it"],
  ])("an index that names %s", async (name, message) => {
    const index = path("/bad.safetensors.index.json");
    writeFileSync(index, JSON.stringify({ weight_map: { a: name } }));
    await expect(openSafetensors(index)).rejects.toThrow(message);
  });

  test("an index that is none", async () => {
    const index = path("/none.safetensors.index.json");
    writeFileSync(index, "{}");
    await expect(openSafetensors(index)).rejects.toThrow("is no index of safetensors files");
  });
});

test("the bytes of a file that is fetched whole are told as they come", async () => {
  const told: number[] = [];
  await openSafetensors(`${address}/whole/one.safetensors`, {
    onProgress: ({ loaded, total }) => {
      expect(total).toBe(first.length);
      told.push(loaded);
    },
  });
  expect(told.at(-1)).toBe(first.length);
});

/** A signal that is no AbortSignal. */
class OtherSignal {
  aborted = false;
  reason: unknown;
  readonly #listeners: (() => void)[] = [];

  addEventListener(_kind: "abort", hear: () => void): void {
    this.#listeners.push(hear);
  }

  abort(reason: unknown): void {
    [this.aborted, this.reason] = [true, reason];
    for (const hear of this.#listeners) hear();
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }
}

describe("a signal of another kind than fetch takes", () => {
  test("ends a file that is being fetched, with its reason", async () => {
    const signal = new OtherSignal();
    const opening = openSafetensors(`${address}/one.safetensors`, { signal });
    signal.abort(new Error("enough"));
    await expect(opening).rejects.toThrow("enough");
    await expect(openSafetensors(`${address}/one.safetensors`, { signal })).rejects.toThrow("enough");
  });

  test("lets a file be read as long as it is silent, also one that tells nothing", async () => {
    const silent = { aborted: false, throwIfAborted: () => undefined };
    for (const signal of [new OtherSignal(), silent]) {
      const { tensors } = await openSafetensors(`${address}/one.safetensors`, { signal });
      expect([...(await tensors.get("half")!.read(0, 3))]).toEqual([0.5, -2, 65504]);
    }
  });
});
