/// <reference types="vite/client" />

/** The script of the workers: in the page itself, or a file beside it, as `vite.config.ts` says. */
declare module "worker-script" {
  const Script: new (options: WorkerOptions) => Worker;
  export default Script;
}

/** What workers have beside what pages have. */
declare class FileReaderSync {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}
