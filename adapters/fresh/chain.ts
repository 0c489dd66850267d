import { HttpError } from "./error.ts";
import { renderRoute } from "./render.ts";
import type { Component, Inner, SpecialFile } from "./snapshot.ts";
import type { Middleware } from "./types.ts";

/**
 * Error page, layout and middlewares of every folder from the top down to `dir`. As in Fresh, the error
 * page of a folder catches outside the folder's middlewares, so what a middleware does after its
 * `await ctx.next()` does not happen when the route throws.
 *
 * @param before Middlewares that run within the top's error page, before its own.
 */
export function chainOf<State>(
  special: readonly SpecialFile<State>[],
  dir: string,
  before: readonly Middleware<State>[] = [],
): Middleware<State>[] {
  const parts = dir.split("/").filter(Boolean);
  const folders = ["", ...parts.map((_, index) => parts.slice(0, index + 1).join("/"))];
  return folders.flatMap((folder) => {
    const here = special.filter((file) => file.dir === folder);
    const middleware = here.find(({ kind }) => kind === "middleware")?.mod.default;
    return [
      folderStep(here),
      ...(folder === "" ? before : []),
      ...(middleware === undefined ? [] : [middleware as Middleware<State>].flat()),
    ];
  });
}

/** Puts a folder's app and layout around what comes, and its error page in place of what fails. */
function folderStep<State>(here: readonly SpecialFile<State>[]): Middleware<State> {
  const find = (kind: SpecialFile<State>["kind"]) => here.find((file) => file.kind === kind)?.mod;
  const app = find("app")?.default as Component<State> | undefined;
  const layout = find("layout")?.default as Component<State> | undefined;
  const error = find("error");
  return async (ctx) => {
    const inner = ctx as Inner<State>;
    const outside = [inner.app, inner.layouts] as const;
    if (app !== undefined) inner.app = app;
    if (layout !== undefined) inner.layouts = [...inner.layouts, layout];
    try {
      return await ctx.next();
    } catch (cause) {
      if (error === undefined) throw cause;
      ctx.error = cause;
      const status = cause instanceof HttpError ? cause.status : 500;
      if (status >= 500) console.error(cause);
      return await renderRoute(error, status)(ctx);
    } finally {
      [inner.app, inner.layouts] = outside;
    }
  };
}
