import { readBody } from "../../server/body.ts";
import { extendRequest } from "../../server/schemas.ts";
import { define } from "../../server/state.ts";

export const handler = define.handlers({
  async POST({ req, state }) {
    const { prompt, pipeline } = await readBody(req, extendRequest);
    return Response.json({ text: await state.studio.extend(prompt, pipeline) });
  },
});
