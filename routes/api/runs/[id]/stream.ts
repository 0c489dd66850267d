import { runStream } from "../../../../server/handlers.ts";
import { define } from "../../../../server/state.ts";

export const handler = define.handlers({
  GET: ({ req, params, state }) => runStream(state.studio, req, params.id),
});
