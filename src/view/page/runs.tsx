/**
 * @module The list of runs: what they are, how far, how good; those that are chosen are compared.
 */
import type { RunSummary } from "../records.js";
import { useLive } from "./api.js";
import { duration, interval, Spark, State, share, Waiting } from "./parts.js";
import { address, type Route, replace } from "./route.js";

const REFRESH_MS = 2000;

function ago(ms: number): string {
  if (ms === 0) return "–";
  const seconds = (Date.now() - ms) / 1000;
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} days ago`;
}

/** A folder's own name; names on a hub are whole. */
function shortModel(model: string): string {
  return /^([A-Za-z]:)?[\\/]/.test(model) ? (model.split(/[\\/]/).findLast(Boolean) ?? model) : model;
}

function Progress({ step, steps, secondsLeft }: RunSummary) {
  if (step === undefined || steps === undefined) return <span>–</span>;
  return (
    <span>
      {step}/{steps}
      {secondsLeft !== undefined && <small> {duration(secondsLeft)} left</small>}
    </span>
  );
}

function Scores({ scores }: RunSummary) {
  const [first] = scores;
  if (!first) return <span>–</span>;
  if (scores.length === 1) return <span>{interval(first.accuracy)}</span>;
  const values = scores.map(({ accuracy }) => accuracy.value).filter(Number.isFinite);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const each = scores.map(({ name, accuracy }) => `${name} ${interval(accuracy)}`).join("\n");
  return (
    <span title={each}>
      {share(mean)} <small>mean of {scores.length} datasets</small>
    </span>
  );
}

function Differing({ differing }: RunSummary) {
  const shown = Object.entries(differing).slice(0, 4);
  const rest = Object.keys(differing).length - shown.length;
  return (
    <span class="differing">
      {shown.map(([name, value]) => (
        <code title={`${name}=${value}`}>
          {name.split(".").at(-1)}={value.length > 24 ? `${value.slice(0, 23)}…` : value}
        </code>
      ))}
      {rest > 0 && <small>and {rest} more</small>}
    </span>
  );
}

interface LineProps {
  readonly run: RunSummary;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
}

/** A path that can go on in another line after each folder. */
function Breakable({ path }: { readonly path: string }) {
  const parts = path.split(/(?<=\/)/);
  return parts.flatMap((part, at) => [part, <wbr key={parts.slice(0, at).join("")} />]);
}

function Line({ run, isChosen, onChoose }: LineProps) {
  return (
    <tr data-run={run.id}>
      <td>
        <input type="checkbox" checked={isChosen} onChange={onChoose} aria-label={`compare ${run.id}`} />
      </td>
      <td class="name">
        <a href={address("run", { run: run.id })} title={run.id}>
          <Breakable path={run.name} />
        </a>
        {run.problem !== undefined && <p class="missing">{run.problem}</p>}
      </td>
      <td>
        <State state={run.state} />
      </td>
      <td title={run.model}>{shortModel(run.model)}</td>
      <td>{run.kind === "training" ? run.algorithm : "evaluation"}</td>
      <td>
        <Progress {...run} />
      </td>
      <td>
        {run.reward?.toFixed(3) ?? "–"}{" "}
        {run.rewards && run.rewards.length > 1 && <Spark values={run.rewards} />}
      </td>
      <td>
        <Scores {...run} />
      </td>
      <td>{run.validShare === undefined ? "–" : share(run.validShare)}</td>
      <td>
        <Differing {...run} />
      </td>
      <td>{ago(run.changedMs)}</td>
    </tr>
  );
}

const HEAD = [
  "",
  "run",
  "state",
  "model",
  "algorithm",
  "step",
  "reward",
  "accuracy",
  "valid",
  "differs in",
  "changed",
];

function isAbout(run: RunSummary, words: string): boolean {
  const text = `${run.id} ${run.model} ${run.algorithm ?? run.kind} ${run.state}`.toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

export function Runs({ params }: Route) {
  const { data: runs, problem } = useLive<readonly RunSummary[]>("runs", {}, REFRESH_MS);
  const [words, chosen] = [params.get("q") ?? "", params.getAll("run")];
  if (!runs) return <Waiting problem={problem} />;
  const shown = runs.filter((run) => isAbout(run, words));
  const [first] = runs;
  const folder = first ? first.id.slice(0, first.id.length - first.name.length) : "";
  const choose = (id: string) => {
    const run = chosen.includes(id) ? chosen.filter((each) => each !== id) : [...chosen, id];
    replace("", { q: words, run });
  };
  return (
    <main class="wide">
      <div class="bar">
        <h1>Runs</h1>
        {folder !== "" && <span class="quiet">in {folder}</span>}
        <input
          type="search"
          placeholder="filter by name, model, algorithm, state"
          aria-label="filter runs"
          value={words}
          onInput={(event) => replace("", { q: event.currentTarget.value, run: chosen })}
        />
        {chosen.length > 1 ? (
          <a class="button" href={address("compare", { run: chosen })}>
            compare {chosen.length}
          </a>
        ) : (
          <span class="quiet">choose two or more to compare them</span>
        )}
      </div>
      {problem !== undefined && <p class="missing">{problem}</p>}
      {runs.length === 0 && <p class="missing">No run below these folders yet. This page will show it.</p>}
      <div class="scroll">
        <table class="runs">
          <thead>
            <tr>
              {HEAD.map((cell) => (
                <th scope="col">{cell}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((run) => (
              <Line
                key={run.id}
                run={run}
                isChosen={chosen.includes(run.id)}
                onChoose={() => choose(run.id)}
              />
            ))}
          </tbody>
        </table>
      </div>
    </main>
  );
}
