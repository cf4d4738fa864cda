import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { fileProblem } from "../../checkpoint/files/system.ts";
import { Stop } from "../stop.ts";

/** A file of a run that grows while the run goes on; what cannot be written ends the command. */
export class AppendedFile {
  readonly #path: string;
  readonly #file: number;

  /** Opens a file to write at its end. */
  constructor(path: string) {
    this.#path = path;
    this.#file = this.#try(() => openSync(path, "a"));
  }

  add(what: string | Uint8Array): void {
    this.#try(() => (typeof what === "string" ? writeSync(this.#file, what) : writeSync(this.#file, what)));
  }

  /** What was written is on the disk: a checkpoint may follow that relies on it. */
  sync(): void {
    this.#try(() => fsyncSync(this.#file));
  }

  close(): void {
    closeSync(this.#file);
  }

  #try<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw new Stop([fileProblem("write", this.#path, error)]);
    }
  }
}
