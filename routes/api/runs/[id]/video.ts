import { runFile } from "../../../../server/handlers.ts";
import { define } from "../../../../server/state.ts";

export const handler = define.handlers({
  GET({ req, url, params, state }) {
    const save = url.searchParams.get("download") === "1";
    return runFile(state.studio, req, params.id, "video", save);
  },
});
