import { isJsonObject, ownValue, type JsonObject, type JsonValue } from "../../checkpoint/json.ts";
import { Problem, quotePath, showJson } from "../../checkpoint/problem.ts";
import type { OpenedCheckpoint } from "../weights.ts";

/** The files of a published checkpoint, by their paths within its folder: `config.json`, `1_Pooling/config.json`. */
export interface CheckpointFiles {
  /** What messages call a path. */
  readonly nameOf: (path: string) => string;
  /** The JSON object of a file; undefined if there is no such file. */
  readonly json: (path: string) => JsonObject | Problem | undefined;
  /** The JSON list of a file; undefined if there is no such file. */
  readonly list: (path: string) => readonly JsonValue[] | Problem | undefined;
  /** The tensors of a folder within it, `""` for its own. */
  readonly weights: (path: string) => OpenedCheckpoint | Problem;
}

/** Ends the reading of such files; caught where it began. */
export class Unfit extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** What some reading gives, or the problem that ended it. */
export function reading<T>(read: () => T): T | Problem {
  try {
    return read();
  } catch (error) {
    if (error instanceof Unfit) return error.problem;
    throw error;
  }
}

export const orUnfit = <T>(value: T | Problem): T => {
  if (value instanceof Problem) throw new Unfit(value);
  return value;
};

/** The members of one JSON file that says how texts are read. */
export class Members {
  readonly #name: string;
  readonly #object: JsonObject;

  constructor(files: CheckpointFiles, path: string, whole?: JsonObject) {
    this.#name = files.nameOf(path);
    this.#object = whole ?? orUnfit(files.json(path)) ?? {};
  }

  has(key: string): boolean {
    return (ownValue(this.#object, key) ?? null) !== null;
  }

  text(key: string): string | undefined {
    return this.#of(key, "a text", (value) => typeof value === "string");
  }

  truth(key: string): boolean | undefined {
    return this.#of(key, "true or false", (value) => typeof value === "boolean");
  }

  count(key: string): number | undefined {
    const isCount = (value: JsonValue): value is number => Number.isSafeInteger(value) && Number(value) > 0;
    return this.#of(key, "a whole number of at least 1", isCount);
  }

  texts(key: string): ReadonlyMap<string, string> {
    const value = this.#of(key, "an object of texts", isJsonObject) ?? {};
    return new Map(
      Object.entries(value).flatMap(([name, text]) =>
        text === null
          ? []
          : [[name, typeof text === "string" ? text : this.refuse(key, "an object of texts")]],
      ),
    );
  }

  value(key: string): JsonValue | undefined {
    return ownValue(this.#object, key) ?? undefined;
  }

  /** Ends the reading: a member is not what was expected. */
  refuse(key: string, expected: string, help?: string): never {
    const found = ownValue(this.#object, key);
    const what = found === undefined ? "it is missing" : `found ${showJson(found)}`;
    throw new Unfit(
      new Problem("E745", `${this.#name}: expected \`${key}\` to be ${expected}, ${what}`, help),
    );
  }

  #of<T extends JsonValue>(
    key: string,
    expected: string,
    is: (value: JsonValue) => value is T,
  ): T | undefined;
  #of(key: string, expected: string, is: (value: JsonValue) => boolean): JsonValue | undefined {
    const value = this.value(key);
    return value === undefined || is(value) ? value : this.refuse(key, expected);
  }
}

/** The config.json of a checkpoint, which it must have. */
export function configOf(files: CheckpointFiles, folder = ""): JsonObject {
  const path = within(folder, "config.json");
  const config = orUnfit(files.json(path));
  if (config !== undefined) return config;
  const why = "it says of which family a checkpoint is";
  throw new Unfit(new Problem("E745", `${quotePath(files.nameOf(path))} is not there: ${why}`));
}

/** A path in a folder of the checkpoint. */
export const within = (folder: string, path: string): string => (folder === "" ? path : `${folder}/${path}`);
