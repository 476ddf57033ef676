/**
 * A data set of your own: questions in a JSONL file, pictures beside it, then a short training on them.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PRESETS, resolveConfig, type TrainOutcome, trainInFolder } from "sharegrpo";
import sharp from "sharp";

const COLOURS = ["red", "green", "blue", "yellow"] as const;

/** One row a picture: the columns of R1-ShareVL-52K, with rewrites as further wordings. */
export async function writeQuestions(folder: string): Promise<string> {
  await mkdir(join(folder, "images"), { recursive: true });
  const rows: object[] = [];
  for (const [at, colour] of COLOURS.entries()) {
    const image = sharp({ create: { width: 84, height: 84, channels: 3, background: colour } });
    await image.png().toFile(join(folder, "images", `${at}.png`));
    const options = COLOURS.map((name, i) => `${"ABCD"[i]}. ${name}`).join(" ");
    rows.push({
      idx: `colour-${at}`,
      problem: `<image>which colour do you see? ${options}`,
      answer: "ABCD"[at],
      images: [`images/${at}.png`],
      new_questions: [`<image>the picture has one colour. which? ${options}`],
    });
  }
  const path = join(folder, "colours.jsonl");
  await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return path;
}

/** Trains the bundled policy on them, two questions a step. */
export async function trainOnColours(folder: string, steps: number): Promise<TrainOutcome> {
  const path = await writeQuestions(folder);
  const config = resolveConfig(
    {
      ...PRESETS.tiny,
      data: { kind: "files", path },
      train: { ...PRESETS.tiny.train, steps, questionsPerStep: 2, evaluateQuestions: 0 },
    },
    "colours",
  );
  return trainInFolder({ config, out: join(folder, "run") });
}
