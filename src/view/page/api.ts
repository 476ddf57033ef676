/**
 * @module Asks the server, once or again and again.
 */
import { useEffect, useState } from "preact/hooks";

export type Params = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/** `a=1&b=2&b=3`; what is undefined or empty is left out. */
export function query(params: Params): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    const values = value === undefined || value === "" ? [] : typeof value === "object" ? value : [value];
    for (const each of values) search.append(name, String(each));
  }
  return search.toString();
}

/** @returns undefined where nothing is new */
export async function get<T>(
  path: string,
  params: Params = {},
  signal?: AbortSignal,
): Promise<T | undefined> {
  const response = await fetch(`/api/${path}?${query(params)}`, signal ? { signal } : {});
  if (response.status === 204) return undefined;
  if (!response.ok) throw new Error((await response.text()) || response.statusText);
  return (await response.json()) as T;
}

export interface Live<T> {
  readonly data?: T;
  readonly problem?: string;
}

const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === "AbortError";
function words(error: unknown): string {
  if (error instanceof TypeError) return "the viewer does not answer: is sharegrpo view still running?";
  return error instanceof Error ? error.message : String(error);
}

/**
 * Asks every `everyMs` while the page is looked at. Where the answer has a `version`, it is sent along and only news come
 * back.
 */
export function useLive<T>(path: string, params: Params, everyMs: number): Live<T> {
  const [live, setLive] = useState<Live<T>>({});
  const key = `${path}?${query(params)}`;
  useEffect(() => {
    const controller = new AbortController();
    let timer = 0;
    let known: string | undefined;
    setLive({});
    const ask = async () => {
      try {
        const data = document.hidden
          ? undefined
          : await get<T>(path, { ...params, known }, controller.signal);
        if (data !== undefined) {
          known = (data as { version?: string }).version;
          setLive({ data });
        } else setLive(({ data: kept }) => (kept === undefined ? {} : { data: kept }));
      } catch (error) {
        if (isAbort(error)) return;
        setLive(({ data: kept }) => ({
          ...(kept === undefined ? {} : { data: kept }),
          problem: words(error),
        }));
      }
      timer = window.setTimeout(ask, everyMs);
    };
    ask();
    return () => {
      controller.abort();
      window.clearTimeout(timer);
    };
  }, [key, everyMs]);
  return live;
}
