import Script from "worker-script";

/** What a worker is for. All are one script, so that the page has what they share once. */
export type Role = "check" | "build" | "train";

export const startWorker = (role: Role): Worker => new Script({ name: role });
