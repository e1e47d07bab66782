/** A body as data; undefined where it is no JSON. */
export function fromJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
