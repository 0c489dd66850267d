import { readBody } from "../../../server/body.ts";
import { createVideo, toCreateRun, toVideo } from "../../../server/openai.ts";
import { define } from "../../../server/state.ts";

export const handler = define.handlers({
  async POST({ req, state: { studio } }) {
    const body = await readBody(req, createVideo);
    const pipelines = await studio.pipelines();
    const named = (name: string | undefined) =>
      pipelines.find((each) => name === undefined ? each.default : each.name === name);
    return Response.json(toVideo(await studio.create(toCreateRun(body, named(body.model)))));
  },
});
