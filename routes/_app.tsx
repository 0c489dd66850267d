import { define } from "../server/state.ts";

const SHEETS = ["tokens", "base", "controls", "shell", "studio", "player", "lists"];

export default define.page(function App({ Component }) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta
          name="description"
          content="Makes videos of what you write, and plays them meanwhile."
        />
        <title>Sluice</title>
        <link rel="icon" type="image/svg+xml" href="/icon.svg" />
        {SHEETS.map((name) => <link key={name} rel="stylesheet" href={`/css/${name}.css`} />)}
      </head>
      <body>
        <Component />
      </body>
    </html>
  );
});
