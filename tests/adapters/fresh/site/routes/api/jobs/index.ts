import { HttpError } from "fresh";
import { bus, define, type Job, jobs } from "../../../utils.ts";

export const handler = define.handlers({
  GET() {
    return Response.json([...jobs.values()]);
  },
  async POST(ctx) {
    const { prompt } = await ctx.req.json() as { prompt?: string };
    if (!prompt) throw new HttpError(400, "prompt is needed");
    const job: Job = { id: crypto.randomUUID(), prompt };
    jobs.set(job.id, job);
    bus.dispatchEvent(new CustomEvent("job", { detail: job }));
    return Response.json(job, { status: 201 });
  },
});
