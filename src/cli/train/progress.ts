import { MultiBar } from "cli-progress";
import type { Out } from "../out.ts";

/** What is shown while steps run. */
export interface Progress {
  /** After a step: how many of the steps are done, and what to say beside. */
  readonly step: (done: number, text: string) => void;
  /** A line that stays. */
  readonly line: (text: string) => void;
  /** May be called again. */
  readonly close: () => void;
}

/** A bar on a terminal; elsewhere a line now and then. */
export const showProgress = (out: Out, total: number, done: number): Progress =>
  out.terminal === undefined ? linesOf(out, total) : barOf(out.terminal, total, done);

function barOf(stream: NodeJS.WriteStream, total: number, done: number): Progress {
  const bars = new MultiBar({
    stream,
    format: "{bar} {value}/{total} {text}",
    barsize: 24,
    fps: 5,
    hideCursor: true,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    // The command ends by itself when it is interrupted, with a checkpoint.
    gracefulExit: false,
  });
  const bar = bars.create(total, done, { text: "" });
  return {
    step: (value, text) => bar.update(value, { text }),
    line: (text) => {
      if (!bars.isActive) {
        stream.write(`${text}\n`);
        return;
      }
      bars.log(`${text}\n`);
      // Else it waits for the next frame, which may not come.
      bars.update();
    },
    close: () => {
      // A second stop would draw again, over what was written since.
      if (bars.isActive) bars.stop();
    },
  };
}

/** Seconds between two lines, where no terminal shows a bar. */
const INTERVAL = 10;

function linesOf(out: Out, total: number): Progress {
  let last = performance.now();
  return {
    step: (done, text) => {
      const now = performance.now();
      if (now - last < 1000 * INTERVAL) return;
      last = now;
      out.note(`step ${done} of ${total}: ${text}\n`);
    },
    line: (text) => out.note(`${text}\n`),
    close: () => undefined,
  };
}
