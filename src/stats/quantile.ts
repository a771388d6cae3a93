/** Quantiles of a few numbers. */

/** The lower median: of the middle two values the smaller one. NaN without values. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The smallest value with at least a share q (0..1) of the values at or below it. NaN without values. */
export function quantile(values: readonly number[], q: number): number {
  return quantileWithin(new Float64Array(values), q);
}

/** The lower median of values that may be put into another order; needs no copy of them. */
export function medianWithin(values: Float64Array): number {
  return quantileWithin(values, 0.5);
}

function quantileWithin(values: Float64Array, q: number): number {
  const count = values.length;
  if (count === 0) return NaN;
  return smallest(values, Math.min(count, Math.max(1, Math.ceil(q * count))) - 1);
}

/**
 * The value that would be at `rank`, from 0, if these were sorted; no value is NaN. They are put into
 * another order (Hoare's selection): of a million values a tenth of the time that sorting takes.
 */
function smallest(values: Float64Array, rank: number): number {
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const pivot = middleOf(values[low], values[(low + high) >> 1], values[high]);
    let [left, right] = [low, high];
    while (left <= right) {
      while (values[left] < pivot) left++;
      while (values[right] > pivot) right--;
      if (left > right) break;
      const swapped = values[left];
      values[left++] = values[right];
      values[right--] = swapped;
    }
    if (rank <= right) high = right;
    else if (rank >= left) low = left;
    else return values[rank];
  }
  return values[rank];
}

function middleOf(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}

/** The median absolute deviation, scaled to the standard deviation of a normal distribution. */
export function spread(values: readonly number[]): number {
  const middle = median(values);
  return 1.4826 * median(values.map((value) => Math.abs(value - middle)));
}
