import { readBody } from "../../../server/body.ts";
import { pipelineText } from "../../../server/schemas.ts";
import { define } from "../../../server/state.ts";

export const handler = define.handlers({
  GET: async ({ params, state }) => Response.json(await state.studio.pipeline(params.name ?? "")),

  async PUT({ req, params, state }) {
    const { yaml } = await readBody(req, pipelineText);
    return Response.json(await state.studio.save(params.name ?? "", yaml));
  },
});
