import { openApi } from "../../server/openapi.ts";
import { define } from "../../server/state.ts";

export const handler = define.handlers({
  GET: () => Response.json(openApi("0.1.0")),
});
