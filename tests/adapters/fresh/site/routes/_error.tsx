import { HttpError } from "fresh";
import { define } from "../utils.ts";

export default define.page(function ErrorPage({ error, url }) {
  const status = error instanceof HttpError ? error.status : 500;
  return (
    <main>
      <h1>{status}</h1>
      <p id="error">{error instanceof Error ? error.message : "Failed"} ({url.pathname})</p>
    </main>
  );
});
