/** What is in a `routes/` folder. */
import { dirname, join, relative } from "@std/path";
import type { FileKind } from "./snapshot.ts";

/** A file of `routes/` by its name alone. */
export interface CrawledFile {
  readonly file: string;
  readonly kind: FileKind;
  readonly dir: string;
  readonly pattern: string;
}

/** The files of a project. */
export interface Crawled {
  /** Routes come in the order in which they are to be tried. */
  readonly routes: readonly CrawledFile[];
  /** Paths of islands' files by the islands' names. */
  readonly islands: ReadonlyMap<string, string>;
}

/** Finds routes and islands below `dir`. A folder named `(_name)` holds no routes. */
export function crawlRoutes(dir: string): Crawled {
  const islands = new Map<string, string>();
  const routes: CrawledFile[] = [];
  for (const file of walk(dir)) {
    const path = relative(dir, file).replaceAll("\\", "/");
    if (/(^|\/)\(_islands\)\//.test(path)) {
      const name = path.replace(/^.*\/|\.\w+$/g, "");
      const other = islands.get(name);
      if (other !== undefined) {
        throw new Error(
          `Could not build the islands: two are called ${name}, ${other} and ${file}. Rename one.`,
        );
      }
      islands.set(name, file);
    } else if (!/(^|\/)\(_[^/]*\)\//.test(path)) {
      routes.push({ file, ...describe(path) });
    }
  }
  routes.sort((a, b) => order(a.pattern) < order(b.pattern) ? -1 : 1);
  return { routes, islands };
}

function* walk(dir: string): Generator<string> {
  let entries: Deno.DirEntry[];
  try {
    entries = [...Deno.readDirSync(dir)];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  for (const { name, isDirectory } of entries.sort((a, b) => a.name < b.name ? -1 : 1)) {
    const path = join(dir, name);
    if (isDirectory) yield* walk(path);
    else if (/(?<![._]test)\.[tj]sx?$/.test(name)) yield path;
  }
}

/** `api/jobs/[id].ts` is the route `/api/jobs/:id`; `_app`, `_layout` … are special. */
function describe(path: string): Omit<CrawledFile, "file"> {
  const name = path.replace(/\.\w+$/, "");
  const folder = dirname(name);
  const [, special] = name.match(/(?:^|\/)_(app|layout|error|middleware)$/) ?? [];
  const parts = name.split("/").map((part) =>
    part.replace(/^\[\.\.\.(\w+)\]$/, ":$1*").replace(/\[(\w+)\]/g, ":$1")
  );
  return {
    dir: folder === "." ? "" : folder,
    kind: (special ?? "route") as FileKind,
    pattern: `/${parts.join("/")}`.replace(/\/index$/, "") || "/",
  };
}

/** Fixed names sort before parameters, those before the rest of a path. */
function order(pattern: string): string {
  return pattern.split("/").map((part) =>
    part.endsWith("*") ? "3" : part.includes(":") ? "2" : `1${part}`
  ).join("/");
}
