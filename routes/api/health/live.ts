import { define } from "../../../server/state.ts";

export const handler = define.handlers({
  GET: ({ state }) => Response.json(state.studio.live()),
});
