/** Area under the ROC curve: the chance that a positive scores above a negative (Hanley 1982). */

/** AUROC by ranks, ties counting half; not a number when either side is empty. */
export function auroc(negative: ArrayLike<number>, positive: ArrayLike<number>): number {
  const scores = [
    ...Array.from(negative, (score) => ({ score, positive: false })),
    ...Array.from(positive, (score) => ({ score, positive: true })),
  ].sort((a, b) => a.score - b.score);
  let ranks = 0;
  for (let i = 0; i < scores.length; ) {
    let end = i;
    while (end < scores.length && scores[end]?.score === scores[i]?.score) end++;
    // Equal scores share the mean of their ranks, which count from 1.
    const rank = (i + 1 + end) / 2;
    for (; i < end; i++) if (scores[i]?.positive) ranks += rank;
  }
  const count = positive.length;
  return (ranks - (count * (count + 1)) / 2) / (count * negative.length);
}
