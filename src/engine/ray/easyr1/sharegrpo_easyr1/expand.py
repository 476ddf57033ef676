"""Which generated rows become which pairs: B * m prompts with n responses each become B * m * m * n rows."""

from collections import defaultdict


def expansion(questions, variants, responses):
    """Pairs as (prompt row, response row, question, k, j, i); prompt k slowest, then source j, then response i.

    questions, variants: of each prompt, in the batch's order. A generated row of prompt p and response i is p * n + i,
    and the prompt row of a pair is that of any of its prompt's rows. Raises ValueError where a question lacks a variant
    that another has, or has one twice: then a row was dropped, and the groups would be wrong.
    """
    prompts = defaultdict(dict)
    for at, (question, variant) in enumerate(zip(questions, variants)):
        if variant in prompts[question]:
            raise ValueError(f"question {question}: variant {variant} comes twice")
        prompts[question][variant] = at
    sizes = {len(found) for found in prompts.values()}
    if len(sizes) > 1 or any(sorted(found) != list(range(len(found))) for found in prompts.values()):
        found = {question: sorted(known) for question, known in prompts.items()}
        raise ValueError(f"questions have different variants: {found}: no row may be filtered or shuffled away")
    pairs = []
    for question, found in prompts.items():
        m = len(found)
        for k in range(m):
            for j in range(m):
                for i in range(responses):
                    pairs.append((found[k] * responses, found[j] * responses + i, question, k, j, i))
    return pairs
