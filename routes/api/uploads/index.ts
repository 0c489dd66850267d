import { define } from "../../../server/state.ts";

export const handler = define.handlers({
  async POST({ req, state }) {
    const upload = await state.studio.uploads.receive(req);
    return Response.json(upload, {
      status: 201,
      headers: { location: `/api/uploads/${upload.id}` },
    });
  },
});
