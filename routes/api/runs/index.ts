import { readBody, readQuery } from "../../../server/body.ts";
import { createRun, listRuns } from "../../../server/schemas.ts";
import { define } from "../../../server/state.ts";
import type { CreateRun } from "../../../server/wire.ts";

export const handler = define.handlers({
  GET: ({ url, state }) => Response.json(state.studio.list(readQuery(url, listRuns))),

  async POST({ req, state }) {
    const run = await state.studio.create(await readBody(req, createRun) as CreateRun);
    return Response.json(run, { status: 201, headers: { location: `/api/runs/${run.id}` } });
  },
});
