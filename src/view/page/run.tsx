/**
 * @module One run: live while it trains, and what it came to.
 */
import type { Comparison, RunDetail, RunSummary } from "../records.js";
import { useLive } from "./api.js";
import { duration, Figures, interval, State, share, Table, Waiting } from "./parts.js";
import { address, type Route } from "./route.js";
import { Rollout } from "./sample.js";
import type { Shade } from "./shade.js";

const REFRESH_MS = 1500;

interface TileProps {
  readonly name: string;
  readonly value: string;
  readonly note?: string;
}

function Tile({ name, value, note }: TileProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value}
        <small>{note}</small>
      </dd>
    </div>
  );
}

function TrainingTiles({ summary }: { readonly summary: RunSummary }) {
  const { step = 0, steps = 0, secondsLeft, reward, validShare, scores } = summary;
  const left = secondsLeft === undefined ? "" : `about ${duration(secondsLeft)} left`;
  const [score] = scores;
  return (
    <div>
      <progress max={Math.max(1, steps)} value={step} aria-label="steps done" />
      <dl class="tiles">
        <Tile name="step" value={`${step} of ${steps}`} note={left} />
        <Tile name="mean reward" value={reward?.toFixed(3) ?? "–"} note="last step" />
        <Tile
          name="valid groups"
          value={validShare === undefined ? "–" : share(validShare)}
          note="pooled, last step"
        />
        <Tile
          name="held-out accuracy"
          value={score ? interval(score.accuracy) : "–"}
          note={score ? `${score.total} questions, greedy` : "not measured yet"}
        />
        <Tile name="model" value={summary.model} note={summary.algorithm ?? ""} />
      </dl>
    </div>
  );
}

/** What to do where a process ended without giving its folder back. */
function afterDeath({ id, kind }: RunSummary): string {
  const cure =
    kind === "training"
      ? `sharegrpo train --out ${id} --resume goes on from the newest checkpoint.`
      : "the same sharegrpo evaluate asks the rows that have no answer yet.";
  return `Its process was killed: ${cure}`;
}

export function Run({ params, shade }: Route & { readonly shade: Shade }) {
  const id = params.get("run") ?? "";
  const { data, problem } = useLive<RunDetail>("run", { run: id, shade }, REFRESH_MS);
  if (!data) return <Waiting problem={problem} />;
  const { summary, notes, tables, figures, sets, newest, configText } = data;
  return (
    <main>
      <div class="bar">
        <h1>{id}</h1>
        <State state={summary.state} />
        {sets.map((set) => (
          <a class="button" href={address("samples", { run: id, set })}>
            {set === "rollouts" ? "browse rollouts" : set}
          </a>
        ))}
      </div>
      {problem !== undefined && <p class="missing">{problem}</p>}
      {summary.state === "died" && <p class="missing">{afterDeath(summary)}</p>}
      {notes.map((note) => (
        <p class="missing">{note}</p>
      ))}
      {summary.kind === "training" && <TrainingTiles summary={summary} />}
      {tables.map((table) => (
        <Table {...table} />
      ))}
      {figures.length > 0 && <h2>Training</h2>}
      <Figures figures={figures} />
      {newest && (
        <section>
          <div class="bar">
            <h2>Newest sample, step {newest.step}</h2>
            <a class="button" href={address("samples", { run: id, set: "rollouts", step: newest.step })}>
              all of step {newest.step}
            </a>
          </div>
          <Rollout run={id} rollout={newest} />
        </section>
      )}
      <h2>Settings</h2>
      <details>
        <summary class="quiet">all settings</summary>
        <pre>{configText}</pre>
      </details>
    </main>
  );
}

export function Compare({ params, shade }: Route & { readonly shade: Shade }) {
  const run = params.getAll("run");
  const { data, problem } = useLive<Comparison>("compare", { run, shade }, REFRESH_MS);
  if (!data) return <Waiting problem={problem} />;
  return (
    <main>
      <h1>Compared</h1>
      {problem !== undefined && <p class="missing">{problem}</p>}
      <p class="bar">
        {data.runs.map(({ id, state }) => (
          <span>
            <a href={address("run", { run: id })}>{id}</a> <State state={state} />
          </span>
        ))}
      </p>
      {data.tables.map((table) => (
        <Table {...table} />
      ))}
      {data.disagreements.length > 0 && <h2>Answered differently</h2>}
      <p class="bar">
        {data.disagreements.map(({ a, b, set }) => (
          <a class="button" href={address("samples", { run: a, against: b, set, mark: ["differs"] })}>
            {set}
          </a>
        ))}
      </p>
      {data.figures.length > 0 && <h2>Training</h2>}
      <Figures figures={data.figures} />
    </main>
  );
}
