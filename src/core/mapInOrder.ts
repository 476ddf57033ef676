/**
 * @module Work on what arrives one after another: several at once, results in the order of arrival.
 */

/**
 * At most `atOnce` items are held at a time, those included whose result waits for an earlier one.
 * @throws what `map` or the source throws first, in the order of arrival
 */
export async function* mapInOrder<Item, Result>(
  items: AsyncIterable<Item>,
  atOnce: number,
  map: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const underway: Promise<Result>[] = [];
  for await (const item of items) {
    const result = map(item);
    // It is awaited below, or not at all when an earlier one fails.
    result.catch(() => undefined);
    underway.push(result);
    if (underway.length >= atOnce) yield await (underway.shift() as Promise<Result>);
  }
  for (const result of underway) yield await result;
}
