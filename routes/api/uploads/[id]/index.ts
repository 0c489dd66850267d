import { uploadOf } from "../../../../server/handlers.ts";
import { define } from "../../../../server/state.ts";

export const handler = define.handlers({
  GET: ({ params, state }) => Response.json(uploadOf(state.studio, params.id)),

  async DELETE({ params, state }) {
    await state.studio.uploads.remove(uploadOf(state.studio, params.id).id);
    return new Response(null, { status: 204 });
  },
});
