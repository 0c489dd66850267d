/** Serves the studio until the user leaves. */
import type { App } from "./app.ts";
import { configPath } from "./configs.ts";
import { mistake } from "./failure.ts";
import { openInBrowser } from "./open.ts";
import { onLeaving } from "./signals.ts";

/** Named here and not where it is imported, or Deno would read the studio's modules for every other command. */
const SERVE = "../server/serve.ts";

/** What the user asked for. */
export interface UiRequest {
  readonly port: number | undefined;
  readonly host: string;
  /** A name or a path. */
  readonly config: string;
  readonly gallery: string;
  readonly device: string | undefined;
  readonly threads: number | undefined;
  /** Whether runs begin even if memory will not do. */
  readonly overcommit: boolean;
  readonly token: string | undefined;
  readonly open: boolean;
}

/** Serves the studio; resolves when it has ended. */
export async function serveUi(app: App, request: UiRequest): Promise<void> {
  const { screen } = app;
  await checkRequest(app, request);
  await checkPermission();
  const { port, host, config, gallery, device, threads, overcommit, token } = request;
  const { serve } = await import(SERVE) as typeof import("../server/serve.ts");
  const served = await serve({
    host,
    gallery,
    overcommit,
    pipeline: config,
    ...(port !== undefined && { port }),
    ...(device !== undefined && { device }),
    ...(threads !== undefined && { threads }),
    ...(token !== undefined && { token }),
    warn: (message) => screen.err(`warning: ${message}\n`),
  });
  const ended = Promise.withResolvers<void>();
  const end = (how: "finish" | "cancel") =>
    void served.close(how).then(ended.resolve, ended.reject);
  using _listening = onLeaving({
    stop() {
      screen.err("Ending: a run keeps what is made of it. Ctrl-C again drops it.\n");
      end("finish");
    },
    abort: () => end("cancel"),
  });
  const [url, ...others] = served.urls;
  screen.out(`Studio: ${url}`);
  for (const other of others) screen.out(`        ${other}`);
  if (request.open && !await openInBrowser(url)) {
    screen.err("No browser could be started from here: open the address yourself.\n");
  }
  await ended.promise;
}

/** esbuild, which makes the page's scripts, is a program of its own. */
async function checkPermission(): Promise<void> {
  const { state } = await Deno.permissions.query({ name: "run" });
  if (state === "granted") return;
  throw mistake(
    "The studio may not run esbuild, which makes its page's scripts: start it by `deno task ui`, " +
      "or with --allow-run.",
  );
}

async function checkRequest(app: App, { config, port, threads, token }: UiRequest): Promise<void> {
  // Says which names there are, before anything is loaded.
  await configPath(app.configs, config);
  if (port !== undefined && (port < 0 || port > 65535)) {
    throw mistake(`--port: expected a whole number from 0 to 65535, got ${port}.`);
  }
  if (threads !== undefined && threads < 1) {
    throw mistake(`--threads: expected at least 1, got ${threads}.`);
  }
  if (token !== undefined && !/^[\w-]{16,}$/.test(token)) {
    throw mistake(
      "--token: expected 16 or more letters, digits, - or _, so that nobody guesses it and it fits " +
        "in an address. Leave it out for one that is drawn.",
    );
  }
}
