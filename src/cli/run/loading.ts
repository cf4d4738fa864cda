import { SingleBar } from "cli-progress";
import type { LoadOptions } from "../../weights/stream.ts";
import { showBytes } from "../numbers.ts";
import type { Out } from "../out.ts";

/** What is there sooner is not worth a line, in milliseconds. */
const PATIENCE = 400;

/** Shows on a terminal how far the weights are loaded, where that lasts; the line goes away with the last part. */
export function showLoading({ terminal }: Out): LoadOptions {
  if (terminal === undefined) return {};
  const since = performance.now();
  let bar: SingleBar | undefined;
  return {
    onProgress: ({ loaded, total }) => {
      if (loaded >= total) bar?.stop();
      else if (bar === undefined && performance.now() - since > PATIENCE) {
        bar = new SingleBar({
          stream: terminal,
          format: "weights {bar} {text}",
          barsize: 24,
          hideCursor: true,
          barCompleteChar: "█",
          barIncompleteChar: "░",
          clearOnComplete: true,
          gracefulExit: false,
        });
        bar.start(total, loaded, { text: "" });
      } else bar?.update(loaded, { text: `${showBytes(loaded)} of ${showBytes(total)}` });
    },
  };
}
