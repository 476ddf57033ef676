/**
 * @module What a judge is asked, in this project's own words, with the structure of VLMEvalKit's prompts: the task,
 * worked examples, the case at hand. A folder of text files can take their place, for instance with VLMEvalKit's own;
 * `vlmEvalKitPrompts` tells by checksum whether they are those.
 */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BenchmarkError, messageOf } from "../../src/core/errors.js";
import { sha256 } from "../../src/core/files/digest.js";

export const JUDGE_PROMPT_NAMES = [
  "choice",
  "choiceChinese",
  "mathVista",
  "mathVision",
  "mathVerseExtract",
  "mathVerseScore",
] as const;
export type JudgePromptName = (typeof JUDGE_PROMPT_NAMES)[number];
/** Templates; `{question}`, `{options}`, `{prediction}`, `{answer}`, `{extracted}` are filled in. */
export type JudgePrompts = Readonly<Record<JudgePromptName, string>>;

interface Example {
  readonly question: string;
  readonly response: string;
  readonly answer: string;
}

const CHOICE_EXAMPLES: readonly (Example & { readonly options: string })[] = [
  {
    question: "Which animal sits on the wall?",
    options: "A. hen B. tabby cat C. goat D. hare",
    response: "It is a small striped cat.",
    answer: "B",
  },
  {
    question: "Which animal sits on the wall?",
    options: "A. hen B. tabby cat C. goat D. hare",
    response: "A lizard.",
    answer: "Z",
  },
];

const choice = [
  "Match a free answer to a single-choice question with one of the options. You see the question, its options and",
  "the answer. Write the one capital letter of the option that means the same as the answer. If no option means the",
  "same, write Z. Write nothing else.",
  "",
  ...CHOICE_EXAMPLES.map(
    ({ question, options, response, answer }) =>
      `Question: ${question}\nOptions: ${options}\nAnswer: ${response}\nLetter: ${answer}\n`,
  ),
  "Question: {question}\nOptions: {options}\nAnswer: {prediction}\nLetter: ",
].join("\n");

const choiceChinese = [
  "请把一道单选题的回答对应到一个选项。给出题目、选项和回答，只写出与回答意思相同的选项的大写字母；",
  "如果没有意思相同的选项，写 Z。不要写别的内容。",
  "",
  "题目：墙上是什么动物？\n选项：A. 母鸡 B. 花猫 C. 山羊 D. 野兔\n回答：一只带条纹的小猫。\n字母：B\n",
  "题目：墙上是什么动物？\n选项：A. 母鸡 B. 花猫 C. 山羊 D. 野兔\n回答：一只蜥蜴。\n字母：Z\n",
  "题目：{question}\n选项：{options}\n回答：{prediction}\n字母：",
].join("\n");

const NUMBER_EXAMPLES: readonly (Example & { readonly hint: string })[] = [
  {
    hint: "Answer with an integer.",
    question: "How many plates are on the shelf?",
    response: "Counting from the left I see 6 plates and then 3 more, so there are 9 plates.",
    answer: "9",
  },
  {
    hint: "Answer with a number of one decimal place.",
    question: "What share of the cups is blue?",
    response: "Two of the five cups are blue,\nwhich is a share of 0.4.",
    answer: "0.4",
  },
  {
    hint: "Answer with a number of two decimal places.",
    question: "What do the pen and the ruler cost together? (Unit: $)",
    response: "Together they cost $2.35.",
    answer: "2.35",
  },
  {
    hint: "Answer with a Python list.",
    question: "In which two months was the rainfall equal?",
    response: "The bars of month 3 and month 8 have the same height.",
    answer: "[3, 8]",
  },
];

const LETTER_EXAMPLE: Example & { readonly hint: string } = {
  hint: "Answer with the letter of the option.",
  question: "Which part is shaded?\nChoices: (A) 1/4 (B) 1/3 (C) 2/3 (D) 3/4",
  response: "One of three equal parts is shaded, so (B) 1/3 is right.",
  answer: "B",
};

function answerPrompt(hintOf: (hint: string) => string): string {
  const examples = NUMBER_EXAMPLES.map((example) => ({ ...example, hint: hintOf(example.hint) }));
  return [
    "Read the examples. Then write down the answer that the last response gives, and nothing else. Do not solve the",
    "question yourself.",
    "",
    ...[...examples, LETTER_EXAMPLE].map(
      ({ hint, question, response, answer }) =>
        `Hint: ${hint}\nQuestion: ${question}\nModel response: ${response}\nAnswer: ${answer}\n`,
    ),
    "{question}\nModel response: {prediction}\nAnswer: ",
  ].join("\n");
}

const EXTRACT_EXAMPLES: readonly Omit<Example, "question">[] = [
  { response: "The two legs are 6 and 8, so the third side is 10 by Pythagoras. Answer: D", answer: "D" },
  { response: "Dividing both sides by 3 we find x = 7, hence the angle measures 21°.", answer: "21°" },
  { response: "The curve is a parabola, $y = (x-2)^2 + 1$.", answer: "$y = (x-2)^2 + 1$" },
  { response: "Its domain is all real numbers but zero: (-∞, 0) ∪ (0, ∞).", answer: "(-∞, 0) ∪ (0, ∞)" },
  { response: "The picture is too small to read; I cannot tell.", answer: "null" },
];

const mathVerseExtract = [
  "Below are responses of a model to mathematics problems. Write down the final answer that the last response gives,",
  "as it stands there and without explanation. If it gives none, write null.",
  "",
  ...EXTRACT_EXAMPLES.map(
    ({ response, answer }, at) => `${at + 1}.\nModel response: '${response}'\nFinal answer: ${answer}\n`,
  ),
  `${EXTRACT_EXAMPLES.length + 1}.\nModel response: '{prediction}'\nFinal answer: `,
].join("\n");

const SCORE_EXAMPLES: readonly (Example & { readonly given: string })[] = [
  { question: "How long is side PQ?", answer: "5√2", given: "5 times the square root of 2", response: "1" },
  {
    question: "What is the area of the circle?\nChoices:\nA:9π\nB:6π",
    answer: "A",
    given: "6π",
    response: "0",
  },
  {
    question: "What is the area of the circle?\nChoices:\nA:9π\nB:6π",
    answer: "A",
    given: "A:9π",
    response: "1",
  },
  { question: "Where does the line cross the x-axis?", answer: "(4, 0)", given: "null", response: "0" },
];

const mathVerseScore = [
  "Two answers to the same mathematics question are given: the right one and a model's. Write 1 if the model's answer",
  "means the same as the right one, otherwise 0. Write nothing else.",
  "",
  ...SCORE_EXAMPLES.map(
    ({ question, answer, given, response }) =>
      `Question: ${question}\nRight answer: ${answer}\nModel's answer: ${given}\nJudgement: ${response}\n`,
  ),
  "Question: {question}\nRight answer: {answer}\nModel's answer: {extracted}\nJudgement: ",
].join("\n");

/** This project's own. */
export const JUDGE_PROMPTS: JudgePrompts = {
  choice,
  choiceChinese,
  mathVista: answerPrompt((hint) => hint),
  mathVision: answerPrompt(() => "Answer the question."),
  mathVerseExtract,
  mathVerseScore,
};

/** Replaces the named places in one pass, so that braces of what is filled in stay as they are. */
export function fillPrompt(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{([a-z]+)\}/g, (place, name: string) =>
    Object.hasOwn(values, name) ? (values[name] ?? place) : place,
  );
}

/**
 * Reads `<name>.txt` of a folder for each prompt; those it has not stay this project's own.
 * @throws BenchmarkError when the folder holds none of them
 */
export async function readJudgePrompts(folder: string): Promise<JudgePrompts> {
  const found = JUDGE_PROMPT_NAMES.filter((name) => existsSync(join(folder, `${name}.txt`)));
  if (found.length === 0) {
    const files = JUDGE_PROMPT_NAMES.map((name) => `${name}.txt`).join(", ");
    throw new BenchmarkError(`${folder}: no judge prompts: expected some of ${files}`);
  }
  const texts = found.map(async (name) => {
    try {
      return [name, await readFile(join(folder, `${name}.txt`), "utf8")] as const;
    } catch (error) {
      throw new BenchmarkError(`${join(folder, `${name}.txt`)}: cannot read: ${messageOf(error)}`, {
        cause: error,
      });
    }
  });
  return { ...JUDGE_PROMPTS, ...Object.fromEntries(await Promise.all(texts)) };
}

/** SHA-256 of VLMEvalKit's prompts filled with short values. */
const PUBLISHED: readonly {
  readonly name: JudgePromptName;
  readonly values: Readonly<Record<string, string>>;
  readonly digest: RegExp;
}[] = [
  {
    name: "choice",
    values: { question: "Q", options: "There are several options: \nA. x\nB. y\n", prediction: "P" },
    digest: /^5b94bb1a.*d22ff1c$/,
  },
  {
    name: "mathVista",
    values: { question: "Q?", prediction: "P" },
    digest: /^bf874974a276b6bb49ceb817b646ef2eed7919111258a67d7c41675c1c782953$/,
  },
  {
    name: "mathVision",
    values: { question: "Q?", prediction: "P" },
    digest: /^af68da61a1789ce9e18004130573680c693514689f6376f0fe09a8e0349592fd$/,
  },
  {
    name: "mathVerseExtract",
    values: { prediction: "P" },
    digest: /^fd776e644341e71742b98224626e653957ede87e206218589be4a3a6fe326666$/,
  },
  {
    name: "mathVerseScore",
    values: { question: "Q?", answer: "A", extracted: "E" },
    digest: /^27660dd5556b3d79f2e1d2612d2be1167915676c88a2b7644f1e84af1a09848c$/,
  },
];

/** The prompts that are VLMEvalKit's own, by their checksums. */
export function vlmEvalKitPrompts(prompts: JudgePrompts): readonly JudgePromptName[] {
  return PUBLISHED.filter(({ name, values, digest }) =>
    digest.test(sha256(fillPrompt(prompts[name], values))),
  ).map(({ name }) => name);
}
