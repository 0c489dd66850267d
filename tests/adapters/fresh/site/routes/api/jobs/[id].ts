import { HttpError } from "fresh";
import { define, jobs } from "../../../utils.ts";

function find(id: string | undefined) {
  const job = jobs.get(id ?? "");
  if (job === undefined) throw new HttpError(404, `No job ${id}`);
  return job;
}

export const handler = define.handlers({
  GET(ctx) {
    return Response.json(find(ctx.params.id));
  },
  DELETE(ctx) {
    jobs.delete(find(ctx.params.id).id);
    return new Response(null, { status: 204 });
  },
});
