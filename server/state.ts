/** What a request's handlers find in `ctx.state`. */
import { createDefine } from "fresh";
import type { Studio } from "./studio.ts";

/** Set by the app's first middleware (`studio`) before any route is asked. */
export interface State {
  /** Runs, gallery, pipelines: everything the studio does. */
  studio: Studio;
}

/** Fresh's helpers for this state. */
export const define = createDefine<State>();
