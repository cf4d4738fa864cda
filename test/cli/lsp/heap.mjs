// Imported into a process of Node with --expose-gc: says what is left of its heap after collection, in bytes, to whoever asks over its channel.
process.on("message", () => {
  globalThis.gc();
  process.send(process.memoryUsage().heapUsed);
});
// It ends when its own work is done, whoever may still ask.
process.channel.unref();
