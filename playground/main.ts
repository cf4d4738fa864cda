import "./style/page.css";
import { themeOf } from "../src/report/theme.ts";
import { Page } from "./page.ts";
import { make } from "./dom.ts";
import { fromAddress } from "./share.ts";

document.head.append(make("style", {}, themeOf(":root")));

const page = new Page();

/** What an address holds comes first, then what is served with the page, then the first example. */
await page.begin(fromAddress(location.hash));
