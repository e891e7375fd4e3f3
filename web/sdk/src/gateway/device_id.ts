// How a device is called.

/** A new name for a device: 32 hexadecimal digits, and behind an `@` the application's key. */
export function deviceId(appKey?: string): string {
  const random = crypto.getRandomValues(new Uint8Array(16));
  const digits = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return appKey === undefined ? digits : `${digits}@${appKey}`;
}
