/** Chromium for tests: found where it usually is, started once a test file. */
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { assertEquals } from "@std/assert";

const PLACES = [
  Deno.env.get("CHROMIUM"),
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

const executablePath = PLACES.find((path) => {
  try {
    return path !== undefined && Deno.statSync(path).isFile;
  } catch {
    return false;
  }
});

/** Nothing of the browser's own goes to the network, and nothing needs a screen. */
const SWITCHES = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--autoplay-policy=no-user-gesture-required",
];

let browser: Promise<Browser> | undefined;
let told = false;

/** What a page under test may want changed. */
export interface Visit {
  readonly width?: number;
  readonly height?: number;
  readonly colours?: "light" | "dark";
}

/** A window, and what went wrong in it. */
export class Visitor implements AsyncDisposable {
  readonly page: Page;
  readonly #context: BrowserContext;
  readonly #complaints: string[] = [];
  readonly #requests: string[] = [];

  private constructor(context: BrowserContext, page: Page) {
    this.#context = context;
    this.page = page;
    page.on("pageerror", (error) => this.#complaints.push(String(error)));
    page.on("console", (message) => {
      // Health is asked for while the model loads.
      const loading = message.text().includes("503 (Service Unavailable)");
      if (message.type() === "error" && !loading) this.#complaints.push(message.text());
    });
    context.on("request", (request) => this.#requests.push(request.url()));
  }

  /** Opens a window with a profile of its own. */
  static async come({ width = 1280, height = 900, colours = "light" }: Visit = {}) {
    browser ??= chromium.launch({ executablePath: executablePath!, args: SWITCHES });
    const context = await (await browser).newContext({
      viewport: { width, height },
      colorScheme: colours,
      acceptDownloads: true,
    });
    context.setDefaultTimeout(20_000);
    return new Visitor(context, await context.newPage());
  }

  /** Opens another tab of the same profile. */
  async tab(): Promise<Page> {
    return await this.#context.newPage();
  }

  /** What pages threw or the console told as errors; taken away by asking. */
  takeComplaints(): string[] {
    return this.#complaints.splice(0);
  }

  /** Asserts that all was asked of this server, and that nothing was complained of. */
  checkQuiet(origin: string): void {
    const own = new URL(origin).origin;
    const outside = this.#requests.filter((url) =>
      !/^(blob|data):/.test(url) && new URL(url).origin !== own
    );
    assertEquals(outside, [], "requests left the server");
    assertEquals(this.takeComplaints(), []);
  }

  async [Symbol.asyncDispose]() {
    await this.#context.close();
  }
}

/** A test in Chromium; skipped, with a line on standard error, where there is none. */
export function browserTest(name: string, fn: () => Promise<void>): void {
  if (executablePath === undefined && !told) {
    told = true;
    console.error(
      "No Chromium found: the tests in the browser are skipped. Install Debian's chromium, or name one by CHROMIUM.",
    );
  }
  Deno.test({
    name,
    ignore: executablePath === undefined,
    // The browser outlives the test.
    sanitizeOps: false,
    sanitizeResources: false,
    fn,
  });
}

Deno.test.afterAll(async () => await (await browser)?.close());
