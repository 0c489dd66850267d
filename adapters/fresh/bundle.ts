/** Islands to scripts for the browser, with esbuild, in memory. */
import { build, type Plugin, stop } from "esbuild";
import { fromFileUrl, join, relative } from "@std/path";

/** What to bundle. */
export interface BundleOptions {
  /** Folder of the project, where packages are found. */
  readonly root: string;
  /** Source files by the names of their scripts. */
  readonly entries: Readonly<Record<string, string>>;
  /** Short scripts without source maps. */
  readonly minify: boolean;
}

let running = 0;

/** The scripts by file name, such as `Studio.js`; those that several islands share have names of their own. */
export async function bundle(
  { root, entries, minify }: BundleOptions,
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const outdir = join(root, "_fresh");
  running++;
  try {
    const { outputFiles } = await build({
      entryPoints: { ...entries },
      absWorkingDir: root,
      outdir,
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "browser",
      target: ["chrome99", "firefox99", "safari15"],
      jsx: "automatic",
      jsxImportSource: "preact",
      minify,
      sourcemap: minify ? false : "inline",
      legalComments: "none",
      define: { "process.env.NODE_ENV": minify ? '"production"' : '"development"' },
      write: false,
      logLevel: "error",
      plugins: [importMap()],
    });
    return new Map(outputFiles.map(({ path, contents }) => [
      relative(outdir, path).replaceAll("\\", "/"),
      contents as Uint8Array<ArrayBuffer>,
    ]));
  } finally {
    // Otherwise esbuild's process lives as long as this one; while it works for another, it must.
    if (--running === 0) await stop();
  }
}

/** Names that the import map sends to local files; npm names esbuild finds itself. */
function importMap(): Plugin {
  return {
    name: "import-map",
    setup(api) {
      api.onResolve({ filter: /^[^./]/ }, ({ path, importer }) => {
        if (importer === "" || importer.includes("/node_modules/")) return;
        let found: string;
        try {
          found = import.meta.resolve(path);
        } catch {
          // esbuild says better what is wrong.
          return;
        }
        if (!found.startsWith("file:") || found.includes("/node_modules/")) return;
        return { path: fromFileUrl(found) };
      });
    },
  };
}
