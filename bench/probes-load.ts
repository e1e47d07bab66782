/** The load of the bench: what the round is promised to carry. */
export const probeCount = 100;
export const seriesPerProbe = 50;
