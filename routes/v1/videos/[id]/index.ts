import { runOf } from "../../../../server/handlers.ts";
import { toVideo } from "../../../../server/openai.ts";
import { define } from "../../../../server/state.ts";

export const handler = define.handlers({
  GET: ({ params, state }) => Response.json(toVideo(runOf(state.studio, params.id))),
});
