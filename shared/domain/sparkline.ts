const bars = "▁▂▃▄▅▆▇█";

/**
 * Values as a line of bars, scaled between the least and the greatest; a gap is a space. More values than
 * `width` are taken together, each bar the greatest of its share, so that no spike is lost.
 */
export function sparkline(values: readonly (number | null)[], width: number): string {
  const shown = values.length <= width ? values : squeeze(values, width);
  const known = shown.filter((value) => value !== null);
  const low = Math.min(...known);
  const span = Math.max(...known) - low;
  return shown
    .map((value) => {
      if (value === null) return " ";
      return bars[span === 0 ? 0 : Math.round(((value - low) / span) * (bars.length - 1))] ?? " ";
    })
    .join("");
}

function squeeze(values: readonly (number | null)[], width: number): (number | null)[] {
  return Array.from({ length: width }, (_, index) => {
    const from = Math.floor((index * values.length) / width);
    const to = Math.floor(((index + 1) * values.length) / width);
    const known = values.slice(from, to).filter((value) => value !== null);
    return known.length === 0 ? null : Math.max(...known);
  });
}
