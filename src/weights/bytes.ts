import { WeightsError } from "./error.ts";
import { bytesOf } from "./reader.ts";

/**
 * Where a file of weights is: its bytes, a File or Blob, its address, or in Node its path or descriptor. A text is an address if it
 * begins as one, else a path in Node, and in a page an address relative to it.
 */
export type WeightFile = Uint8Array | ArrayBuffer | Blob | URL | string | number;

/** A file that is read by ranges. */
export interface ByteSource {
  /** How many bytes it has; Infinity where a server does not say. */
  readonly size: number;
  /** Bytes from one up to another; those of a file on a disk are there until the next are read. */
  readonly read: (start: number, end: number) => Uint8Array | Promise<Uint8Array>;
  /** Several reads may be under way. */
  readonly isFar: boolean;
  /** It was fetched whole: that is what took time. */
  readonly isFetched?: boolean;
  readonly close: () => void;
}

/** What of Node's file system is used. */
interface FileSystem {
  readonly openSync: (path: string | URL) => number;
  readonly closeSync: (file: number) => void;
  readonly fstatSync: (file: number) => { readonly size: number };
  readonly readSync: (file: number, into: Uint8Array, offset: number, length: number, at: number) => number;
}

/** What Node has, or a page. */
interface Host {
  readonly location?: { readonly href: string };
  readonly process?: { readonly getBuiltinModule?: (name: string) => FileSystem | undefined };
}

interface FetchOptions {
  readonly signal?: { readonly aborted: boolean; readonly throwIfAborted: () => void };
  readonly onProgress?: (progress: { readonly loaded: number; readonly total: number }) => void;
}

/** Opens a file wherever it is. */
export async function openBytes(file: WeightFile, options: FetchOptions): Promise<ByteSource> {
  if (typeof Blob === "function" && file instanceof Blob) return sourceOfBlob(file);
  const address = addressOf(file);
  if (address !== undefined && address.protocol !== "file:") return fetchSource(address, options);
  if (address !== undefined || typeof file === "string" || typeof file === "number")
    return openOnDisk(address ?? (file as string | number));
  const bytes = bytesOf(file);
  return {
    size: bytes.length,
    read: (start, end) => bytes.subarray(start, end),
    isFar: false,
    close: () => undefined,
  };
}

const hostOf = (): Host => globalThis;

/** The file system of Node, and of what is like it; undefined in a page. No module has to be imported for it. */
const fileSystem = (): FileSystem | undefined => hostOf().process?.getBuiltinModule?.("node:fs");

/** The address that a file is given by, if it is. */
export function addressOf(file: WeightFile): URL | undefined {
  if (file instanceof URL) return file;
  if (typeof file !== "string") return undefined;
  if (/^(https?|blob|data|file):/.test(file)) return new URL(file);
  return fileSystem() !== undefined ? undefined : new URL(file, hostOf().location?.href);
}

const sourceOfBlob = (blob: Blob): ByteSource => ({
  size: blob.size,
  read: async (start, end) => new Uint8Array(await blob.slice(start, end).arrayBuffer()),
  isFar: true,
  close: () => undefined,
});

/** Node reads at most 2 GiB at once. */
const MOST_READ = 2 ** 30;

function openOnDisk(file: string | number | URL): ByteSource {
  const system = fileSystem();
  if (system === undefined) throw new WeightsError(["there are no files here: give an address, or a Blob"]);
  const own = typeof file !== "number";
  const descriptor = own ? system.openSync(file) : file;
  let room = new Uint8Array(0);
  const read = (start: number, end: number): Uint8Array => {
    const length = end - start;
    if (room.length < length) room = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const count = system.readSync(descriptor, room, done, Math.min(length - done, MOST_READ), start + done);
      if (count === 0) throw new WeightsError([`the file is cut off: it ends at byte ${start + done}`]);
      done += count;
    }
    return room.subarray(0, length);
  };
  return {
    size: system.fstatSync(descriptor).size,
    read,
    isFar: false,
    close: () => {
      if (own) system.closeSync(descriptor);
    },
  };
}

/** Bytes that are asked of a server at first: most headers are shorter. */
const FIRST_BYTES = 2 ** 16;

/** A file on a server: by ranges, if the server gives them, else fetched whole, which browsers keep beside the page's memory. */
async function fetchSource(address: URL, options: FetchOptions): Promise<ByteSource> {
  const signal = options.signal === undefined ? {} : { signal: signalForFetch(options.signal) };
  const ask = (start: number, end: number): Promise<Response> =>
    fetch(address, { headers: { Range: `bytes=${start}-${end - 1}` }, ...signal });
  const fail = (response: Response): never => {
    throw new WeightsError([`${address.href} answers ${response.status} ${response.statusText}`]);
  };
  const response = await ask(0, FIRST_BYTES);
  if (!response.ok) fail(response);
  if (response.status !== 206) {
    const whole = sourceOfBlob(await fetchWhole(response, options));
    return { ...whole, isFetched: true };
  }
  const start = new Uint8Array(await response.arrayBuffer());
  const size = /\/(\d+)$/.exec(response.headers.get("Content-Range") ?? "")?.[1];
  const read = async (first: number, end: number): Promise<Uint8Array> => {
    if (end <= start.length) return start.subarray(first, end);
    const part = await ask(first, end);
    if (part.status !== 206) fail(part);
    const bytes = new Uint8Array(await part.arrayBuffer());
    if (bytes.length === end - first) return bytes;
    throw new WeightsError([
      `${address.href} gives ${bytes.length} bytes from byte ${first}, not ${end - first}`,
    ]);
  };
  return { size: size === undefined ? Infinity : Number(size), read, isFar: true, close: () => undefined };
}

/** What a signal may have beside what is asked of it. */
interface HeardSignal {
  readonly reason?: unknown;
  readonly addEventListener?: (kind: "abort", hear: () => void) => void;
}

/** A signal as fetch takes it, which knows its own kind alone: others, as of another realm, are heard for it. */
function signalForFetch(signal: NonNullable<FetchOptions["signal"]>): AbortSignal {
  if (signal instanceof AbortSignal) return signal;
  const heard = signal as HeardSignal;
  const control = new AbortController();
  const abort = (): void => control.abort(heard.reason);
  if (signal.aborted) abort();
  else heard.addEventListener?.("abort", abort);
  return control.signal;
}

/** What comes of a server, told as it comes. */
async function fetchWhole(response: Response, { onProgress }: FetchOptions): Promise<Blob> {
  const total = Number(response.headers.get("Content-Length") ?? 0);
  if (onProgress === undefined || response.body === null) return response.blob();
  let loaded = 0;
  const counted = response.body.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform: (chunk, controller) => {
        loaded += chunk.length;
        onProgress({ loaded, total: Math.max(loaded, total) });
        controller.enqueue(chunk);
      },
    }),
  );
  return new Response(counted).blob();
}
