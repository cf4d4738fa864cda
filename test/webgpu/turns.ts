/** Dawn's functions, as `toString` has them; no other native function is handed to `setImmediate`. */
const native = "function () { [native code] }";

const everyTurn = globalThis.setImmediate;

/**
 * Has Dawn ask once a millisecond whether the device is ready. It asks at every turn of the event loop, by a function that it
 * makes anew each time, so that waiting takes a whole core: the one that SwiftShader's threads work on.
 */
export function askCalmly(): void {
  type Task = (...given: unknown[]) => void;
  const calmly = (task: Task, ...given: unknown[]): unknown =>
    Function.prototype.toString.call(task) === native
      ? setTimeout(task, 1, ...given)
      : everyTurn(task, ...given);
  globalThis.setImmediate = calmly as typeof setImmediate;
}
