/** An answer of the stand-in, before it is written. `never`: the request hangs. */
export type StageAnswer =
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly json: unknown;
    }
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly html: string }
  | { readonly never: true };

export const json = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) => ({
  status,
  json: body,
  headers,
});

const page = (title: string) =>
  `<!DOCTYPE html><html lang="en"><head><title>${title}</title></head><body><div id="__next">${title}</div></body></html>`;

/** Next.js answers what it has no route for with a page. */
export const notFoundPage = (): StageAnswer => ({
  status: 404,
  html: page("404: This page could not be found"),
});
export const appPage = (): StageAnswer => ({ status: 200, html: page("Langfuse") });
/** What an ingress says by itself. */
export const proxyPage = (
  status: number,
  title: string,
  headers: Readonly<Record<string, string>> = {},
): StageAnswer => ({
  status,
  html: `<html><head><title>${status} ${title}</title></head><body><center><h1>${status} ${title}</h1></center><hr><center>nginx</center></body></html>`,
  headers,
});
