/** A column a chunk, stacked by stage: where the time goes. */
import { IS_BROWSER } from "fresh/runtime";
import type { RunView } from "../../server/wire.ts";
import { formatCount, formatSeconds } from "../(_studio)/format.ts";
import type { StepProgress } from "../(_studio)/run_events.ts";
import { layOutStrip, stageShares, type StripColumn } from "../(_studio)/strip.ts";

/** Units high. */
const HEIGHT = 72;

/** Units between the parts of a column, so that their border is seen whatever the colours. */
const SEAM = 1;

/** The strip, its legend and the same as a table. */
export function ChunkStrip(
  { run, step, stages }: {
    run: RunView | undefined;
    step: StepProgress | undefined;
    /** In the order of the pipeline. */
    stages: readonly string[];
  },
) {
  const order = stages.length > 0 ? stages : (run?.timings.stages ?? []).map(({ stage }) => stage);
  const chunks = run?.chunks ?? [];
  const strip = layOutStrip(chunks, {
    stages: order,
    total: run?.chunksTotal ?? null,
    height: HEIGHT,
  });
  const place = 100 / strip.places;
  return (
    <section class="strip" aria-label="Where the time goes">
      <div class="strip-head">
        <h2 class="title">Where the time goes</h2>
        <span class="number muted">
          {step === undefined
            ? chunks.length > 0 ? `0 to ${formatSeconds(strip.scale)}` : ""
            : `chunk ${step.chunk + 1}, step ${step.step} of ${step.steps}`}
        </span>
      </div>
      <svg class="strip-columns" width="100%" height={HEIGHT} aria-hidden="true">
        {Array.from({ length: strip.places }, (_, i) => (
          <rect
            key={`place-${i}`}
            class="place"
            x={`${i * place + place / 8}%`}
            width={`${place * 0.75}%`}
            y={HEIGHT - 2}
            height={2}
          />
        ))}
        {strip.columns.map((column) => <Column key={column.index} column={column} order={order} />)}
      </svg>
      <Legend run={run} order={order} />
      {chunks.length > 0 && <ChunkTable chunks={strip.columns} order={order} />}
    </section>
  );
}

function Column({ column, order }: { column: StripColumn; order: readonly string[] }) {
  const { index, frames, seconds, x, width, parts } = column;
  return (
    <g>
      {/* Fresh takes a title in the server's markup for the page's own. */}
      {IS_BROWSER && (
        <title>
          {`Chunk ${index + 1}, ${formatCount(frames, "picture")}: ${formatSeconds(seconds)}\n` +
            parts.map(({ stage, seconds }) => `${stage} ${formatSeconds(seconds)}`).join("\n")}
        </title>
      )}
      {parts.map(({ stage, y, height }) => (
        <rect
          key={stage}
          class={`stage-${order.indexOf(stage) % 6}`}
          x={`${x}%`}
          width={`${width}%`}
          y={y}
          height={Math.max(0.5, height - SEAM)}
        />
      ))}
    </g>
  );
}

function Legend({ run, order }: { run: RunView | undefined; order: readonly string[] }) {
  const shares = stageShares(run?.timings.stages ?? []);
  return (
    <ul class="legend">
      {order.map((stage, i) => {
        const found = shares.find((each) => each.stage === stage);
        return (
          <li key={stage}>
            <svg class="swatch" viewBox="0 0 8 8" aria-hidden="true">
              <rect class={`stage-${i % 6}`} width="8" height="8" rx="2" />
            </svg>
            {stage}
            <span class="number muted">
              {found === undefined ? "–" : `${Math.round(found.share * 100)}%`}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

/** The text of the picture above. */
function ChunkTable(
  { chunks, order }: { chunks: readonly StripColumn[]; order: readonly string[] },
) {
  return (
    <details class="fold plain">
      <summary>As a table</summary>
      <div class="scroll" tabIndex={0} role="region" aria-label="Seconds by chunk and stage">
        <table>
          <thead>
            <tr>
              <th scope="col">Chunk</th>
              <th scope="col">Pictures</th>
              {order.map((stage) => <th key={stage} scope="col">{stage}</th>)}
            </tr>
          </thead>
          <tbody>
            {chunks.map(({ index, frames, parts }) => (
              <tr key={index}>
                <th scope="row">{index + 1}</th>
                <td>{frames}</td>
                {order.map((stage) => {
                  const part = parts.find((each) => each.stage === stage);
                  return (
                    <td key={stage}>{part === undefined ? "" : formatSeconds(part.seconds)}</td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
