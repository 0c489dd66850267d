/** The studio's web app: Fresh's routes around a studio. */
import { App, staticFiles } from "fresh";
import type { State } from "./state.ts";
import type { Studio } from "./studio.ts";

/** Folder of the app: `routes/` and `static/` are there. */
export const ROOT: string = new URL("../", import.meta.url).pathname;

/** The app that shows this studio. It does not close it. */
export function createApp(studio: Studio): App<State> {
  return new App<State>()
    .use(staticFiles())
    .use((ctx) => {
      ctx.state.studio = studio;
      return ctx.next();
    })
    .fsRoutes();
}
