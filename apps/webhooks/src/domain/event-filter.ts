/** Whether an endpoint that asked for these types wants this one: `call.ended` exactly, or `call.*` for all of a kind. */
export function wants(eventTypes: readonly string[], type: string): boolean {
  const kind = type.split('.')[0];
  return eventTypes.some((wanted) => wanted === type || wanted === `${kind}.*`);
}
