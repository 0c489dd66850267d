import { uploadPoster } from "../../../../server/handlers.ts";
import { define } from "../../../../server/state.ts";

export const handler = define.handlers({
  GET: ({ req, params, state }) => uploadPoster(state.studio, req, params.id),
});
