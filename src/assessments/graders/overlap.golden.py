"""What sacrebleu and rouge-score say to the pairs of overlap.golden.test.ts: JSON from stdin, JSON to stdout."""

import json
import sys

import sacrebleu
from rouge_score import rouge_scorer

ROUGE = {"rouge1": "rouge-1", "rouge2": "rouge-2", "rougeL": "rouge-l"}
scorer = rouge_scorer.RougeScorer(list(ROUGE))


def scores(answer: str, reference: str) -> dict[str, float]:
    found = {ours: scorer.score(reference, answer)[theirs].fmeasure for theirs, ours in ROUGE.items()}
    found["bleu"] = sacrebleu.sentence_bleu(answer, [reference]).score / 100
    found["chrf"] = sacrebleu.sentence_chrf(answer, [reference]).score / 100
    return found


json.dump([scores(answer, reference) for answer, reference in json.load(sys.stdin)["pairs"]], sys.stdout)
