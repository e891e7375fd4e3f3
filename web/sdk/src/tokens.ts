// Who the client says it is: a token that stays, or one that is asked for anew when it is not good any more.

/** A token, or a function that gives one: `isAnew` says that the last one was refused, or has expired. */
export type TokenSource = string | ((isAnew: boolean) => Promise<string> | string);

export function createTokens(source: TokenSource | undefined) {
  let token = typeof source === "string" ? source : undefined;
  let isAnew = false;

  return {
    /** The token to show now. */
    async current(): Promise<string | undefined> {
      if (typeof source === "function") token ??= await source(isAnew);
      return token;
    },
    /** A newer one, before this one is refused. */
    async renew(): Promise<string | undefined> {
      if (typeof source === "function") token = await source(true);
      return token;
    },
    /** The server has taken it. */
    accepted(): void {
      isAnew = false;
    },
    /** Nobody got through with it; a WebSocket does not say whether it was refused. */
    inDoubt(): void {
      if (typeof source === "function") token = undefined;
    },
    /** It is not good any more. Whether there may be a better one: not where one that was asked for anew is refused, too. */
    refused(): boolean {
      if (typeof source !== "function" || isAnew) return false;
      token = undefined;
      isAnew = true;
      return true;
    },
  };
}
