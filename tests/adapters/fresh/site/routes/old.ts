import { define } from "../utils.ts";

export const handler = define.handlers((ctx) => ctx.redirect("//jobs", 301));
