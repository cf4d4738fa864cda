import type { Switches } from "../emit/targets.ts";
import type { LoadOptions } from "../weights/stream.ts";
import type { FindAdapter } from "./device.ts";

/** What an engine is opened with; targets that hold weights beside JavaScript tell how far the loading is, and end it. */
export interface EngineOptions extends LoadOptions {
  readonly switches?: Switches;
  /** In how many threads a target for the CPU runs that has several; as many as help if left off. */
  readonly threads?: number | undefined;
  /** Where a target that needs a device finds one; that of the page if left off. */
  readonly adapter?: FindAdapter;
}

/** What of them modules are told. */
export const loadOptionsOf = ({ onProgress, signal }: LoadOptions): LoadOptions => ({
  ...(onProgress === undefined ? {} : { onProgress }),
  ...(signal === undefined ? {} : { signal }),
});
