import { gunzipIfPacked } from "../../checkpoint/gzip.ts";
import { decodeUtf8 } from "../../checkpoint/json.ts";
import { Problem } from "../../checkpoint/problem.ts";

/** A file that is given as data, read whole. */
export interface DataSource {
  /** What messages call it; its end may tell what it is: `digits-images.idx.gz`. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The input or target that it feeds, from `image=digits-images.idx.gz`; undefined: whatever fits. */
  readonly feeds?: string | undefined;
}

/** The text of a UTF-8 file, also of one in gzip. */
export function textOf(source: DataSource): string | Problem {
  const bytes = gunzipIfPacked(source.bytes, source.name);
  if (bytes instanceof Problem) return bytes;
  const text = decodeUtf8(bytes, source.name);
  if (text instanceof Problem) return text;
  return text.length > 0 ? text : new Problem("E751", `${source.name}: the text is empty`);
}
