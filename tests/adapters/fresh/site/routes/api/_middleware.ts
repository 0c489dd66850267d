import { HttpError } from "fresh";
import { define } from "../../utils.ts";

/** Errors of the API are JSON. */
export default define.middleware(async (ctx) => {
  try {
    return await ctx.next();
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    return Response.json({ error: error.message }, { status: error.status });
  }
});
