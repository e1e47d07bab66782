import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";

/** Hands a function its input and does not wait for its end. Resolves when Lambda has taken it. */
export type StartFunction = (input: unknown) => Promise<void>;

/** Needs lambda:InvokeFunction on the function. Lambda queues what it has taken, and repeats what fails. */
export function buildStartFunction(client: Pick<LambdaClient, "send">, name: string): StartFunction {
  return async (input) => {
    const { StatusCode } = await client.send(
      new InvokeCommand({ FunctionName: name, InvocationType: "Event", Payload: JSON.stringify(input) }),
    );
    if (StatusCode !== 202)
      throw new Error(
        `Lambda answered ${StatusCode ?? "nothing"} instead of 202 when asked to start ${name}`,
      );
  };
}
