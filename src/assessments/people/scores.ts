// From what people said to scores: the mean over the raters, and over the answers that one was compared with.

/** `value` is from 0 to 1 for `answerId`; `otherId` is empty where it was rated by itself. */
export type Rating = { answerId: string; otherId: string; raterId: string; value: number };

/** The score of each answer that these ratings are about, by its id. */
export function scoresOfRatings(ratings: readonly Rating[]): Map<string, number> {
  const byPlace = Map.groupBy(ratings, ({ answerId, otherId }) => `${answerId} ${otherId}`);
  // First the raters of one place agree on a mean, so that a pair that many rated counts as one.
  const means = [...byPlace.values()].flatMap((all) => {
    const [one] = all;
    if (!one) return [];
    const mean = all.reduce((sum, { value }) => sum + value, 0) / all.length;
    const own = { answerId: one.answerId, value: mean };
    return one.otherId === "" ? [own] : [own, { answerId: one.otherId, value: 1 - mean }];
  });
  const byAnswer = Map.groupBy(means, ({ answerId }) => answerId);
  return new Map(
    [...byAnswer].map(([answerId, all]) => [
      answerId,
      all.reduce((sum, { value }) => sum + value, 0) / all.length,
    ]),
  );
}
