/** The site in `site/`, built once, answered in this process. */
import { Builder } from "fresh/dev";
import { createSite } from "./site/app.ts";

const root = new URL("./site", import.meta.url).pathname;
let built: Promise<(request: Request) => Promise<Response>> | undefined;

async function build() {
  const app = createSite();
  (await new Builder({ root }).build({ snapshot: "memory" }))(app);
  return app.handler();
}

/** What the site answers. */
export async function ask(path: string, init?: RequestInit): Promise<Response> {
  const handler = await (built ??= build());
  return await handler(new Request(`http://localhost${path}`, init));
}

/** Runs with `console.error` gathered instead of printed. */
export async function quietly(test: () => Promise<void>): Promise<readonly unknown[]> {
  const printed: unknown[] = [];
  const { error } = console;
  console.error = (...words) => void printed.push(...words);
  try {
    await test();
  } finally {
    console.error = error;
  }
  return printed;
}
