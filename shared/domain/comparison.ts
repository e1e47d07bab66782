const operators = [">=", "<=", "==", "!=", ">", "<"] as const;

/** A threshold as config writes it (`> 85`), taken apart. */
export interface Comparison {
  readonly op: (typeof operators)[number];
  readonly bound: number;
}

/** An operator of PromQL and a finite number, in any notation that JavaScript and PromQL share. */
export const comparisonPattern = /^\s*(>=|<=|==|!=|>|<)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*$/;

/** Takes a threshold apart; throws a RangeError that names the text where it is none. */
export function parseComparison(text: string): Comparison {
  const match = comparisonPattern.exec(text);
  const op = operators.find((candidate) => candidate === match?.[1]);
  if (!match || !op) throw new RangeError(`"${text}" is not a threshold such as "> 85" or "<= 0.1"`);
  return { op, bound: Number(match[2]) };
}

/** Whether a value breaches the threshold, as PromQL compares: NaN breaches `!=` alone. */
export function breaches({ op, bound }: Comparison, value: number): boolean {
  switch (op) {
    case ">":
      return value > bound;
    case ">=":
      return value >= bound;
    case "<":
      return value < bound;
    case "<=":
      return value <= bound;
    case "==":
      return value === bound;
    case "!=":
      return value !== bound;
  }
}

/** The threshold as config and messages write it. */
export function formatComparison({ op, bound }: Comparison): string {
  return `${op} ${bound}`;
}
