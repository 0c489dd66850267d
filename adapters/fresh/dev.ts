/**
 * `fresh/dev`: finds routes and islands of a project and bundles the islands.
 *
 * @module
 */
import { fromFileUrl, join, resolve, toFileUrl } from "@std/path";
import { type App, type ListenOptions, setSnapshot } from "./app.ts";
import { bundle } from "./bundle.ts";
import { type CrawledFile, crawlRoutes } from "./crawl.ts";
import type {
  BuiltFile,
  Island,
  RouteFile,
  RouteModule,
  Snapshot,
  SpecialFile,
} from "./snapshot.ts";
import { etagOf } from "./static_files.ts";

/** For whom to build: development has source maps and readable scripts. */
export type Mode = "development" | "production";

const CLIENT = "fresh-client";

/** Builds the project in a folder: its `routes/`, the islands in them, and `static/`. */
// deno-lint-ignore no-explicit-any
export class Builder<State = any> {
  readonly #root: string;

  /** @param options `root` is the project's folder, by default the current one. */
  constructor(options: { root?: string } = {}) {
    this.#root = resolve(options.root ?? ".");
  }

  /** Serves an app for development; `deno run --watch` restarts it. */
  async listen(
    importApp: () => Promise<{ app: App<State> } | App<State>>,
    options: ListenOptions = {},
  ): Promise<void> {
    const imported = await importApp();
    const app = "app" in imported ? imported.app : imported;
    (await this.build({ snapshot: "memory", mode: "development" }))(app);
    await app.listen(options);
  }

  /** Bundles in memory and gives back what applies the result to an app. */
  async build(options: { snapshot: "memory"; mode?: Mode }): Promise<(app: App<State>) => void> {
    const { routes, islands } = crawlRoutes(join(this.#root, "routes"));
    const entries = {
      [CLIENT]: fromFileUrl(import.meta.resolve("./client.ts")),
      ...Object.fromEntries(islands),
    };
    const minify = options.mode !== "development";
    const bundling = bundle({ root: this.#root, entries, minify });
    // esbuild is a process of its own and works while the modules load. It is waited for in any case.
    const [loaded] = await Promise.allSettled([
      Promise.all([loadSpecial<State>(routes), loadIslands(islands)]),
      bundling,
    ]);
    if (loaded.status === "rejected") throw loaded.reason;
    const [special, components] = loaded.value;
    const scripts = await bundling;
    const files = new Map<string, BuiltFile>();
    const base = `/_fresh/js/${await idOf(scripts)}/`;
    for (const [name, body] of scripts) {
      files.set(base + name, { body, etag: await etagOf(body) });
    }
    const snapshot: Snapshot<State> = {
      routes: routes.filter(({ kind }) => kind === "route").map(lazyRoute<State>),
      special,
      islands: new Map(
        components.map(([name, component]): [typeof component, Island] => [
          component,
          { name, url: `${base}${name}.js` },
        ]),
      ),
      client: `${base}${CLIENT}.js`,
      files,
      staticDir: join(this.#root, "static"),
    };
    return (app) => setSnapshot(app, snapshot);
  }
}

/** The same scripts have the same addresses after a restart, so pages that are open go on working. */
async function idOf(scripts: ReadonlyMap<string, Uint8Array<ArrayBuffer>>): Promise<string> {
  const parts: BlobPart[] = [...scripts].flat();
  const digest = await crypto.subtle.digest("SHA-256", await new Blob(parts).arrayBuffer());
  return new Uint8Array(digest).toHex().slice(0, 16);
}

function load(file: string): Promise<Record<string, unknown>> {
  return import(toFileUrl(file).href);
}

function lazyRoute<State>({ file, kind, dir, pattern }: CrawledFile): RouteFile<State> {
  return { kind, dir, pattern, load: async () => await load(file) as RouteModule<State> };
}

async function loadSpecial<State>(routes: readonly CrawledFile[]): Promise<SpecialFile<State>[]> {
  const special = routes.flatMap(({ kind, ...rest }) =>
    kind === "route" ? [] : [{ kind, ...rest }]
  );
  return await Promise.all(special.map(async ({ kind, dir, file }) => ({
    kind,
    dir,
    mod: await load(file) as RouteModule<State>,
  })));
}

// deno-lint-ignore ban-types
async function loadIslands(islands: ReadonlyMap<string, string>): Promise<[string, Function][]> {
  return await Promise.all([...islands].map(async ([name, file]) => {
    const component = (await load(file)).default;
    if (typeof component === "function") return [name, component];
    throw new TypeError(
      `Could not build the island ${file}: expected a component as its default export, ` +
        `got ${typeof component}.`,
    );
  }));
}
