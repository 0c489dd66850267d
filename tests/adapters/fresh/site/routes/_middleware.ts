import { define } from "../utils.ts";

export default define.middleware(async (ctx) => {
  ctx.state.title = "Site";
  const response = await ctx.next();
  response.headers.set("x-site", "1");
  return response;
});
