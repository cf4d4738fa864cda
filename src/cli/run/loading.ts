import { SingleBar } from "cli-progress";
import type { LoadOptions } from "../../weights/stream.ts";
import { showBytes } from "../numbers.ts";
import type { Out } from "../out.ts";

/** What is there sooner is not worth a line, in milliseconds. */
const PATIENCE = 400;

/** Shows on a terminal how far the weights are loaded, where that lasts. */
export function showLoading({ terminal }: Out): LoadOptions {
  if (terminal === undefined) return {};
  const show = patientBar(terminal, "weights");
  return {
    onProgress: ({ loaded, total }) => show(loaded, total, `${showBytes(loaded)} of ${showBytes(total)}`),
  };
}

/** A bar on a terminal for work that lasts; the line goes away when all is done. */
export function patientBar(
  terminal: NodeJS.WriteStream,
  what: string,
): (done: number, total: number, text: string) => void {
  const since = performance.now();
  let bar: SingleBar | undefined;
  return (done, total, text) => {
    if (done >= total) bar?.stop();
    else if (bar === undefined && performance.now() - since > PATIENCE) {
      bar = new SingleBar({
        stream: terminal,
        format: `${what} {bar} {text}`,
        barsize: 24,
        hideCursor: true,
        barCompleteChar: "█",
        barIncompleteChar: "░",
        clearOnComplete: true,
        gracefulExit: false,
      });
      bar.start(total, done, { text: "" });
    } else bar?.update(done, { text });
  };
}
