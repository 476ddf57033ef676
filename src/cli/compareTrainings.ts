/**
 * @module `sharegrpo report A B` for trainings: curves overlaid, settings that differ, paired tests.
 */
import { comparePaired } from "../../benchmarks/tables/statistics.js";
import { DataError } from "../core/errors.js";
import { plotlySource } from "../report/html.js";
import { html } from "../report/markup.js";
import { figureGrid, framedPage, pageTable } from "../report/page.js";
import { formatMarkdownTable } from "../report/table.js";
import { type ComparedRuns, compareRuns } from "../view/compare.js";
import { summarise, withDifferences } from "../view/summary.js";

type Render = (compared: ComparedRuns) => string | Promise<string>;

function markdown({ tables }: ComparedRuns): string {
  return tables
    .map((table) =>
      [`## ${table.title}`, ...(table.rows.length > 0 ? [formatMarkdownTable(table)] : []), table.note]
        .filter((part) => part !== undefined)
        .join("\n\n"),
    )
    .join("\n\n");
}

async function page({ tables, figures }: ComparedRuns): Promise<string> {
  const sections = tables.map(
    (table) => html`<h2>${table.title}</h2>${table.rows.length > 0 ? pageTable(table) : undefined}
<p class="quiet">${table.note}</p>`,
  );
  const body = html`${sections}<h2>Training</h2>${figureGrid(figures)}`;
  return framedPage({ title: "Trainings compared", body, figures, plotly: await plotlySource() });
}

const RENDER: Readonly<Record<"markdown" | "html" | "json", Render>> = {
  markdown,
  html: page,
  json: ({ runs, tables }) => JSON.stringify({ runs, tables }),
};

/** @throws DataError naming the first folder that cannot be read */
export async function compareTrainings(
  folders: readonly string[],
  format: keyof typeof RENDER,
): Promise<string> {
  const runs = await Promise.all(folders.map((dir) => summarise({ dir, kind: "training" })));
  const unreadable = runs.find(({ problem }) => problem !== undefined);
  if (unreadable?.problem !== undefined) throw new DataError(unreadable.problem);
  return RENDER[format](await compareRuns(withDifferences(runs), comparePaired));
}
