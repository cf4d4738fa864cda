import { closeSync, readSync } from "node:fs";
import { openRegular } from "../../checkpoint/files/read.ts";
import { fileProblem } from "../../checkpoint/files/system.ts";
import { Problem } from "../../checkpoint/problem.ts";
import type { FindPlace } from "../../export/onnx/exporter.ts";
import type { ExternalPlace } from "../../export/onnx/writer.ts";
import { Stop } from "../stop.ts";
import { writtenInParts, type FolderFile } from "./folder-files.ts";

/** Bytes at which a tensor begins: those of the widest registers, so that run times need not copy it once more. */
const ALIGNED = 64;

/** Bytes that are copied at a time. */
const PIECE = 1 << 24;

/** Elements that lie in another file, and where they are to be. */
interface Copied {
  readonly path: string;
  readonly start: number;
  readonly end: number;
  readonly offset: number;
}

/**
 * A file of what one model reads, in the order in which it is asked for. A page loads the files beside a model whole: of two models
 * over one file each would load what the other alone reads.
 */
export class OwnWeights {
  readonly #location: string;
  readonly #find: FindPlace;
  readonly #places = new Map<string, readonly ExternalPlace[]>();
  readonly #copied: Copied[] = [];
  #size = 0;

  /** `find` gives places in files by their paths. */
  constructor(location: string, find: FindPlace) {
    this.#location = location;
    this.#find = find;
  }

  placesOf: FindPlace = (name) => {
    const known = this.#places.get(name);
    if (known !== undefined) return known;
    const places = this.#find(name).map((place) => this.#take(place));
    this.#places.set(name, places);
    return places;
  };

  #take(place: ExternalPlace): ExternalPlace {
    const offset = Math.ceil(this.#size / ALIGNED) * ALIGNED;
    this.#size = offset + place.length;
    this.#copied.push({
      path: place.location,
      start: place.offset,
      end: place.offset + place.length,
      offset,
    });
    return { ...place, location: this.#location, offset };
  }

  write(to: string): FolderFile {
    return writtenInParts(to, bytesOf(this.#copied), this.#size);
  }
}

function* bytesOf(copied: readonly Copied[]): Generator<Uint8Array> {
  let at = 0;
  for (const { path, start, end, offset } of copied) {
    if (offset > at) yield new Uint8Array(offset - at);
    yield* readRange(path, start, end);
    at = offset + end - start;
  }
}

function* readRange(path: string, start: number, end: number): Generator<Uint8Array> {
  const opened = openRegular(path);
  if (opened instanceof Problem) throw new Stop([opened]);
  const { file } = opened;
  try {
    for (let at = start; at < end;) {
      const piece = new Uint8Array(Math.min(PIECE, end - at));
      const read = readPiece(file, piece, at, path);
      yield piece.subarray(0, read);
      at += read;
    }
  } finally {
    closeSync(file);
  }
}

function readPiece(file: number, piece: Uint8Array, at: number, path: string): number {
  try {
    const read = readSync(file, piece, 0, piece.length, at);
    if (read > 0) return read;
  } catch (error) {
    throw new Stop([fileProblem("read", path, error)]);
  }
  throw new Stop([new Problem("E700", `cannot read ${path}: it became shorter meanwhile`)]);
}
