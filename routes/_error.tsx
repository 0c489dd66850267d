import { HttpError } from "fresh";
import { Head } from "fresh/runtime";
import { define } from "../server/state.ts";

export default define.page(function ErrorPage({ error, url }) {
  const status = error instanceof HttpError ? error.status : 500;
  const missing = status === 404;
  const title = missing ? "There is nothing here" : "Something went wrong";
  return (
    <div class="page error-page">
      <Head>
        <title>{`${title} · Sluice`}</title>
      </Head>
      <p class="number muted">{status}</p>
      <h1>{title}</h1>
      <p>
        {missing
          ? (
            <>
              No page is called <code>{url.pathname}</code>.
            </>
          )
          : "The studio could not show this page. What happened is written where it was started."}
      </p>
      <p>
        <a class="button" href="/">To the studio</a>
      </p>
    </div>
  );
});
