declare module "aws4" {
  interface Request {
    method?: string;
    host: string;
    path: string;
    service: string;
    region: string;
    headers?: Record<string, string>;
    body?: string | Uint8Array;
    extraHeadersToIgnore?: Record<string, boolean>;
  }
  interface Credentials {
    accessKeyId: string;
    secretAccessKey: string;
    sessionToken?: string;
  }
  const aws4: { sign(request: Request, credentials: Credentials): { headers: Record<string, string> } };
  export default aws4;
}
