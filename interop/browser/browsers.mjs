// Debian's browsers, each behind the few calls that both of their drivers have.

import { load } from "../harness/tieline.mjs";

const CHROMIUM_FLAGS = [
  "--no-sandbox", // Everything runs as root where the tests do; the pages are ours.
  "--headless",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const WIDE = { width: 1280, height: 800 };

/** Starts Chromium, with more flags; `newPage` opens a window with storage of its own, of the given size. */
export async function startChromium(flags = []) {
  const { chromium } = load("playwright-core");
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: [...CHROMIUM_FLAGS, ...flags] });
  return {
    name: "Chromium",
    async newPage({ viewport = WIDE, ...options } = {}) {
      const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport, ...options });
      return context.newPage();
    },
    close: () => browser.close(),
  };
}

/** Starts Firefox; its driver is another, over WebDriver BiDi. */
export async function startFirefox() {
  const { launch } = load("puppeteer-core");
  const browser = await launch({
    browser: "firefox",
    executablePath: "/usr/bin/firefox-esr",
    headless: true,
    acceptInsecureCerts: true,
    defaultViewport: WIDE,
  });
  return {
    name: "Firefox",
    async newPage() {
      const context = await browser.createBrowserContext();
      return context.newPage();
    },
    close: () => browser.close(),
  };
}
