import { goldenKeys } from "./sections.ts";

/* The golden checkpoints and the keys of a config that their families read, for test/golden/config_defaults.py. */

console.log(JSON.stringify(goldenKeys()));
