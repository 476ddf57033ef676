"""The released reward: (1 - w) * accuracy + w * format, as EasyR1's batch form. Needs mathruler, which EasyR1 has."""

import re

REWARD_NAME = "sharegrpo"
REWARD_TYPE = "batch"

BOXED = re.compile(r"<think>.*</think>.*\\boxed\{.*\}.*", re.DOTALL)
TAGGED = re.compile(r"<think>.*?</think>\s*<answer>.*?</answer>", re.DOTALL)


def _boxed(response, join_tags):
    from mathruler.grader import extract_boxed_content

    text = re.sub(r"\s*(<|>|/)\s*", r"\1", response) if join_tags else response
    return extract_boxed_content(text), BOXED.fullmatch(text) is not None


def _tagged(response):
    found = re.search(r"<answer>(.*?)</answer>", response)
    return (found.group(1) if found else response).strip(), TAGGED.fullmatch(response) is not None


def compute_score(reward_inputs, kind="math", format_weight=0.1, join_tags=True):
    """[{response, ground_truth}] to [{overall, format, accuracy}]."""
    from mathruler.grader import grade_answer

    scores = []
    for one in reward_inputs:
        response = one["response"]
        answer, has_format = _tagged(response) if kind == "r1v" else _boxed(response, join_tags)
        accuracy = 1.0 if grade_answer(answer, one["ground_truth"].strip()) else 0.0
        shape = 1.0 if has_format else 0.0
        overall = (1 - format_weight) * accuracy + format_weight * shape
        scores.append({"overall": overall, "format": shape, "accuracy": accuracy})
    return scores


def score_one(predict_str, ground_truth, **settings):
    """The same of one response, as the released R1-ShareVL code asks for it."""
    return compute_score([{"response": predict_str, "ground_truth": ground_truth}], **settings)[0]
