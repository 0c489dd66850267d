import { App, staticFiles } from "fresh";
import type { State } from "./utils.ts";

export function createSite(): App<State> {
  return new App<State>()
    .use(staticFiles())
    .use(async (ctx) => {
      const response = await ctx.next();
      response.headers.set("x-after", "1");
      return response;
    })
    .get("/healthz", () => new Response("ok"))
    .fsRoutes();
}
