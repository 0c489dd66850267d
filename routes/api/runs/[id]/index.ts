import { readBody } from "../../../../server/body.ts";
import { runOf } from "../../../../server/handlers.ts";
import { patchRun } from "../../../../server/schemas.ts";
import { define } from "../../../../server/state.ts";
import type { PatchRun } from "../../../../server/wire.ts";

export const handler = define.handlers({
  GET: ({ params, state }) => Response.json(runOf(state.studio, params.id)),

  async PATCH({ req, params, state }) {
    const { id } = runOf(state.studio, params.id);
    return Response.json(state.studio.patch(id, await readBody(req, patchRun) as PatchRun));
  },

  async DELETE({ params, state }) {
    await state.studio.remove(runOf(state.studio, params.id).id);
    return new Response(null, { status: 204 });
  },
});
