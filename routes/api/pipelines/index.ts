import { define } from "../../../server/state.ts";

export const handler = define.handlers({
  GET: async ({ state }) => Response.json({ pipelines: await state.studio.pipelines() }),
});
