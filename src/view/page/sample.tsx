/**
 * @module One sample in full: pictures, words, what was said, what was read out of it, and what it earned.
 */
import type { ComponentChildren } from "preact";
import type { ResponseRecord, RolloutRecord, VariantRecord } from "../../core/files/runRecords.js";
import type { AnswerDetail, SampleDetail } from "../records.js";
import { query } from "./api.js";

const FOLD_FROM = 1200;

function Pictures({ run, names }: { readonly run: string; readonly names: readonly string[] }) {
  return (
    <div class="pictures">
      {names.map((name) => (
        <img src={`/api/image?${query({ run, name })}`} alt={name} decoding="async" />
      ))}
    </div>
  );
}

/** Thoughts are set off from what is said after them. */
function Said({ text }: { readonly text: string }) {
  if (text === "") return <p class="missing">empty response</p>;
  const [, thought = "", said = text] = /^\s*<think>([\s\S]*?)<\/think>([\s\S]*)$/.exec(text) ?? [];
  const shown = (
    <div>
      {thought.trim() !== "" && (
        <p class="said thought" dir="auto">
          {thought.trim()}
        </p>
      )}
      <p class="said" dir="auto">
        {said.trim()}
      </p>
    </div>
  );
  if (text.length <= FOLD_FROM) return shown;
  return (
    <details>
      <summary>{text.length.toLocaleString("en-US")} characters</summary>
      {shown}
    </details>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Verdict({ isRight, isCut }: { readonly isRight: boolean; readonly isCut: boolean }) {
  return (
    <span>
      <b class={`chip ${isRight ? "right" : "wrong"}`}>{isRight ? "✓ correct" : "✗ wrong"}</b>
      {isCut && <b class="chip warn">truncated</b>}
    </span>
  );
}

function signed(value: number | null): string {
  if (value === null) return "–";
  const text = Math.abs(value).toFixed(2);
  if (text === "0.00") return text;
  return `${value < 0 ? "−" : "+"}${text}`;
}

interface ResponseProps {
  readonly response: ResponseRecord;
  readonly rollout: RolloutRecord;
}

function Response({ response, rollout }: ResponseProps) {
  const { reward, extracted, i, tokens, text, stopReason, advantageGlobal, advantageLocal } = response;
  const parts = Object.entries({ accuracy: reward.accuracy, format: reward.format, ...reward.parts });
  const own = advantageGlobal === null || advantageLocal === null ? null : advantageGlobal + advantageLocal;
  return (
    <li class="response">
      <p class="head">
        <Verdict isRight={reward.accuracy === 1} isCut={stopReason === "length"} />{" "}
        <span class="quiet">
          response {i + 1} · {tokens} tokens
        </span>
      </p>
      <Said text={text} />
      <dl>
        <Fact name="extracted">
          {"text" in extracted ? <code>{extracted.text}</code> : <em>none ({extracted.none})</em>}
        </Fact>
        <Fact name="verdict">{reward.reason}</Fact>
        <Fact name="reward">
          {reward.overall.toFixed(2)}{" "}
          <span class="quiet">
            ({parts.map(([name, value]) => `${name} ${Number(value.toFixed(4))}`).join(", ")})
          </span>
        </Fact>
        <Fact name="advantage">
          <span title="under its own prompt: global + local">own {signed(own)}</span>
          {rollout.variants.length > 1 && (
            <span title="under the other variants' prompts: global only">
              {" "}
              · cross {signed(advantageGlobal)}
            </span>
          )}
        </Fact>
      </dl>
    </li>
  );
}

interface VariantProps {
  readonly run: string;
  readonly variant: VariantRecord;
  readonly rollout: RolloutRecord;
}

function Variant({ run, variant, rollout }: VariantProps) {
  const responses = rollout.responses.filter(({ j }) => j === variant.index);
  const right = responses.filter(({ reward }) => reward.accuracy === 1).length;
  return (
    <section class="variant">
      <p class="head">
        <b>Variant {variant.index + 1}</b>{" "}
        <span class="chip">
          {variant.wording === "original" ? "original words" : `rewrite ${variant.wording + 1}`}
        </span>{" "}
        <span class="chip">
          {variant.transform === "none" ? "image as it is" : variant.transform.replaceAll("_", " ")}
        </span>
      </p>
      <Pictures run={run} names={variant.images} />
      <p class="asked" dir="auto">
        {variant.text}
      </p>
      <p class="quiet">
        {right} of {responses.length} responses correct
      </p>
      <ol>
        {responses.map((response) => (
          <Response response={response} rollout={rollout} />
        ))}
      </ol>
    </section>
  );
}

export function Rollout({ run, rollout }: { readonly run: string; readonly rollout: RolloutRecord }) {
  const { step, category, gold, questionId, question, variants } = rollout;
  return (
    <article class="sample">
      <p class="head">
        <b>Step {step}</b> · {category} · gold <code>{gold}</code> <span class="quiet">{questionId}</span>
      </p>
      {variants.length > 1 && (
        <p class="question" dir="auto">
          {question}
        </p>
      )}
      <div class="variants">
        {variants.map((variant) => (
          <Variant run={run} variant={variant} rollout={rollout} />
        ))}
      </div>
    </article>
  );
}

function Answer({ answer }: { readonly answer: AnswerDetail }) {
  const { model, prediction, thinking, status, error, tokens, verdicts } = answer;
  const decisive = verdicts["fixed"] ?? verdicts["compatible"];
  return (
    <section class="variant">
      <p class="head">
        <b>{model}</b>{" "}
        {decisive && <Verdict isRight={decisive.outcome === "correct"} isCut={status === "truncated"} />}
        {tokens !== null && <span class="quiet"> {tokens} tokens</span>}
      </p>
      <div class="response">
        {thinking !== undefined && (
          <p class="said thought" dir="auto">
            {thinking}
          </p>
        )}
        {error === undefined ? <Said text={prediction} /> : <p class="missing">{error}</p>}
        <dl>
          {Object.entries(verdicts).map(([mode, { outcome, extracted, rule }]) => (
            <Fact name={mode}>
              {outcome} {extracted === null ? <em>nothing read</em> : <code>{extracted}</code>}{" "}
              <span class="quiet">{rule}</span>
            </Fact>
          ))}
        </dl>
      </div>
    </section>
  );
}

/** A rollout or a benchmark's row. */
export function Sample({ run, sample }: { readonly run: string; readonly sample: SampleDetail }) {
  if (sample.kind === "rollout") return <Rollout run={run} rollout={sample.rollout} />;
  const { index, category, question, gold, images, answers } = sample;
  return (
    <article class="sample">
      <p class="head">
        <b>Row {index}</b> · {category} · gold <code>{gold}</code>
      </p>
      <Pictures run={run} names={images} />
      <p class="asked" dir="auto">
        {question}
      </p>
      <div class="variants">
        {answers.map((answer) => (
          <Answer answer={answer} />
        ))}
      </div>
    </article>
  );
}
