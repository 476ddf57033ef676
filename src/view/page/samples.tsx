/**
 * @module The sample browser: filters, a list of any length of which only what is seen is there, and one sample in full.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Mark, SampleDetail, SampleLine, SamplePage } from "../records.js";
import { get, type Params, query, useLive } from "./api.js";
import { Waiting } from "./parts.js";
import { address, type Route, replace } from "./route.js";
import { Sample } from "./sample.js";

const LINE_HEIGHT = 52;
const PAGE = 100;
const REFRESH_MS = 2500;
const PAUSE_MS = 350;
const WORDS: Readonly<Record<Mark, string>> = {
  correct: "correct",
  wrong: "wrong",
  truncated: "truncated",
  unparsed: "unparsed",
  failed: "failed",
  zero: "zero advantage",
  disagree: "variants disagree",
  differs: "answered differently",
};
const ORDER = Object.keys(WORDS) as Mark[];

type Pages = Readonly<Record<number, readonly SampleLine[]>>;

/** Pages of the list by number, fetched as they come into sight, each once until something else is listed. */
function usePages(params: Params, version: string) {
  const key = `${query(params)} ${version}`;
  const [got, setGot] = useState<{ readonly key: string; readonly pages: Pages }>({ key, pages: {} });
  const asked = useRef({ key, pages: new Set<number>() });
  if (asked.current.key !== key) asked.current = { key, pages: new Set() };
  const pages = got.key === key ? got.pages : {};
  const need = (page: number) => {
    const { current } = asked;
    if (current.pages.has(page)) return;
    current.pages.add(page);
    get<SamplePage>("samples", { ...params, offset: page * PAGE, limit: PAGE }).then(
      (answer) => {
        if (!answer || asked.current !== current) return;
        setGot((kept) => ({
          key,
          pages: { ...(kept.key === key ? kept.pages : {}), [page]: answer.lines },
        }));
      },
      () => current.pages.delete(page),
    );
  };
  const line = (place: number): SampleLine | undefined => {
    const page = Math.floor(place / PAGE);
    need(page);
    return pages[page]?.[place % PAGE];
  };
  return { line };
}

/** One answer is right or wrong; a question with many responses is both. */
function markOf({ marks }: SampleLine) {
  const [isRight, isWrong] = [marks.includes("correct"), marks.includes("wrong")];
  if (isRight === isWrong) return null;
  return <b class={isRight ? "right" : "wrong"}>{isRight ? "✓ " : "✗ "}</b>;
}

interface ListProps {
  readonly total: number;
  readonly chosen: number;
  readonly line: (place: number) => SampleLine | undefined;
  readonly onChoose: (place: number) => void;
}

function List({ total, chosen, line, onChoose }: ListProps) {
  const element = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const height = element.current?.clientHeight ?? 700;
  const first = Math.max(0, Math.floor(top / LINE_HEIGHT) - 5);
  const last = Math.min(total, first + Math.ceil(height / LINE_HEIGHT) + 10);
  useEffect(() => {
    const at = element.current;
    if (!at) return;
    const [start, end] = [chosen * LINE_HEIGHT, (chosen + 1) * LINE_HEIGHT];
    if (start < at.scrollTop) at.scrollTop = start;
    else if (end > at.scrollTop + at.clientHeight) at.scrollTop = end - at.clientHeight;
  }, [chosen, total]);
  return (
    <div
      class="list"
      ref={element}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
      role="listbox"
      aria-label="samples"
    >
      <div style={{ height: `${total * LINE_HEIGHT}px` }}>
        {Array.from({ length: Math.max(0, last - first) }, (_, at) => first + at).map((place) => {
          const shown = line(place);
          return (
            <button
              type="button"
              key={place}
              class={`line ${place === chosen ? "chosen" : ""}`}
              style={{ top: `${place * LINE_HEIGHT}px` }}
              role="option"
              aria-selected={place === chosen}
              onClick={() => onChoose(place)}
            >
              <span class="title">
                {shown && markOf(shown)}
                {shown?.title ?? "…"}
              </span>
              <span class="about">
                {shown &&
                  [shown.step && `step ${shown.step}`, shown.category, shown.note]
                    .filter(Boolean)
                    .join(" · ")}
              </span>
            </button>
          );
        })}
      </div>
    </div>
  );
}

interface FieldProps {
  readonly type: "search" | "number";
  readonly label: string;
  readonly placeholder: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

/** A field whose words count once nobody has typed for a moment. */
function Field({ type, label, placeholder, value, onChange }: FieldProps) {
  const [draft, setDraft] = useState(value);
  const known = useRef(value);
  useEffect(() => {
    if (known.current !== value) setDraft(value); // not when it is new: somebody may have typed already
    known.current = value;
  }, [value]);
  useEffect(() => {
    if (draft === value) return;
    const timer = window.setTimeout(() => onChange(draft), PAUSE_MS);
    return () => window.clearTimeout(timer);
  }, [draft]);
  return (
    <input
      type={type}
      aria-label={label}
      placeholder={placeholder}
      value={draft}
      onInput={(event) => setDraft(event.currentTarget.value)}
    />
  );
}

interface FilterProps {
  readonly page: SamplePage;
  readonly params: URLSearchParams;
  readonly onChange: (changes: Params) => void;
}

function Filters({ page, params, onChange }: FilterProps) {
  const marks = params.getAll("mark");
  const turn = (mark: Mark) =>
    onChange({ mark: marks.includes(mark) ? marks.filter((each) => each !== mark) : [...marks, mark] });
  const present = ORDER.filter((mark) => (page.marks[mark] ?? 0) > 0 || marks.includes(mark));
  return (
    <div class="filters">
      {present.map((mark) => (
        <label>
          <input type="checkbox" checked={marks.includes(mark)} onChange={() => turn(mark)} />
          {WORDS[mark]} <span class="quiet">{(page.marks[mark] ?? 0).toLocaleString("en-US")}</span>
        </label>
      ))}
      {page.categories.length > 1 && (
        <select
          aria-label="category"
          value={params.get("category") ?? ""}
          onChange={(event) => onChange({ category: event.currentTarget.value })}
        >
          <option value="">every category</option>
          {page.categories.map((name) => (
            <option value={name}>{name}</option>
          ))}
        </select>
      )}
      {page.steps && (
        <Field
          type="number"
          label="step"
          placeholder={`step ${page.steps.first}–${page.steps.last}`}
          value={params.get("step") ?? ""}
          onChange={(step) => onChange({ step })}
        />
      )}
      <Field
        type="search"
        label="search"
        placeholder="search everything"
        value={params.get("q") ?? ""}
        onChange={(q) => onChange({ q })}
      />
    </div>
  );
}

/** What a key means for the place in the list. */
const KEYS: Readonly<Record<string, number>> = {
  j: 1,
  ArrowDown: 1,
  ArrowRight: 1,
  k: -1,
  ArrowUp: -1,
  ArrowLeft: -1,
};

function useKeys(move: (by: number) => void): void {
  const latest = useRef(move);
  latest.current = move;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const by = KEYS[event.key];
      const isTyping = event.target instanceof HTMLInputElement && event.target.type !== "checkbox";
      const isMeant = by !== undefined && !isTyping && !(event.target instanceof HTMLSelectElement);
      if (!isMeant || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      latest.current(by);
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
}

function useSample(params: Params, at: number | undefined) {
  const [sample, setSample] = useState<SampleDetail>();
  const key = at === undefined ? "" : query({ ...params, at });
  useEffect(() => {
    if (at === undefined) return setSample(undefined);
    const controller = new AbortController();
    get<SampleDetail>("sample", { ...params, at }, controller.signal).then(setSample, () => undefined);
    return () => controller.abort();
  }, [key]);
  return sample;
}

/** The last value that there was under this key: who types in a field must not have it taken away. */
function useLast<T>(value: T | undefined, key: string): T | undefined {
  const last = useRef<{ readonly key: string; readonly value: T }>();
  if (value !== undefined) last.current = { key, value };
  return last.current?.key === key ? last.current.value : undefined;
}

function paramsOf(params: URLSearchParams): Params {
  const one = (name: string) => params.get(name) ?? undefined;
  return {
    run: one("run"),
    set: one("set"),
    against: one("against"),
    mark: params.getAll("mark"),
    category: one("category"),
    step: one("step"),
    q: one("q"),
  };
}

export function Samples({ params }: Route) {
  const asked = paramsOf(params);
  const { data, problem } = useLive<SamplePage>("samples", { ...asked, limit: 1 }, REFRESH_MS);
  const page = useLast(data, query({ run: asked["run"], set: asked["set"], against: asked["against"] }));
  const total = data?.total ?? 0;
  const { line } = usePages(asked, String(total));
  const place = Math.min(Math.max(0, Number(params.get("place") ?? 0)), Math.max(0, total - 1));
  const chosen = total > 0 ? line(place) : undefined;
  const sample = useSample({ run: asked["run"], set: asked["set"], against: asked["against"] }, chosen?.at);
  const go = (to: number) =>
    replace("samples", { ...asked, place: Math.min(Math.max(0, to), Math.max(0, total - 1)) });
  useKeys((by) => go(place + by));
  const run = params.get("run") ?? "";
  return (
    <main class="browser">
      <aside>
        <p class="head">
          <a href={address("run", { run })}>{run}</a> · {params.get("set")}
        </p>
        {page && (
          <Filters
            page={page}
            params={params}
            onChange={(changes) => replace("samples", { ...asked, ...changes })}
          />
        )}
        <p class="quiet">
          {total.toLocaleString("en-US")} of {(data?.all ?? 0).toLocaleString("en-US")}
          {data && data.known < 1 && ` · reading the file: ${Math.floor(100 * data.known)} %`}
          {total > 0 && ` · ${(place + 1).toLocaleString("en-US")}: j and k move`}
        </p>
        {problem !== undefined && <p class="missing">{problem}</p>}
        {data && <List total={total} chosen={place} line={line} onChoose={go} />}
      </aside>
      <div class="shown">
        {!data && <Waiting problem={problem} />}
        {data && total === 0 && <p class="missing">No sample is like that.</p>}
        {sample && <Sample run={run} sample={sample} />}
      </div>
    </main>
  );
}
