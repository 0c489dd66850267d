import { readBody } from "../../../server/body.ts";
import { pipelineText } from "../../../server/schemas.ts";
import { define } from "../../../server/state.ts";

export const handler = define.handlers({
  async POST({ req, state }) {
    const { yaml } = await readBody(req, pipelineText);
    return Response.json(await state.studio.validate(yaml));
  },
});
