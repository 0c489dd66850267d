/** The studio's web app: Fresh's routes around a studio. */
import { App, type Middleware, staticFiles } from "fresh";
import { ProblemError, problemResponse } from "./problem.ts";
import { isApi, withHeaders } from "./security.ts";
import type { State } from "./state.ts";
import type { Studio } from "./studio.ts";

/** Folder of the app: `routes/` and `static/` are there. */
export const ROOT: string = new URL("../", import.meta.url).pathname;

/**
 * The app that shows this studio; it does not close it. `routes/_middleware.ts` decides who may ask for
 * anything but static files.
 */
export function createApp(studio: Studio): App<State> {
  const provide: Middleware<State> = (ctx) => {
    ctx.state.studio = studio;
    return ctx.next();
  };
  return new App<State>().use(provide, staticFiles()).fsRoutes();
}

/**
 * What answers requests. Fresh renders error pages outside all middlewares, so their headers are set
 * here, as those of static files; and it has no answer to an address that cannot be decoded.
 */
export function createHandler(app: App<State>): Deno.ServeHandler {
  const handle = app.handler();
  return async (request, info) => {
    const { pathname } = new URL(request.url);
    const api = isApi(pathname);
    if (!isDecodable(pathname)) {
      const problem = new ProblemError(
        "bad-request",
        "The address holds a % that encodes nothing.",
      );
      return withHeaders(problemResponse(problem, pathname), true);
    }
    const response = await handle(request, info);
    return response.headers.has("content-security-policy") ? response : withHeaders(response, api);
  };
}

function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}
