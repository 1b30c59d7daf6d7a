/** Says that a part of the infrastructure did not do its work: wait and try again, nothing is wrong with the event. */
export class InfrastructureError extends Error {
  override name = 'InfrastructureError';
}

// PostgreSQL classes: connection, resources, operator intervention, system, serialization, deadlock, lock timeout.
const sqlStates = /^(08|53|57|58)|^(25006|40001|40P01|55P03)$/;
const systemCodes = /^(ECONN|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_)/;
const names = /^(KafkaJS|AbortError|TimeoutError|MaxRetriesPerRequestError)/;
const messages =
  /connection terminated|timeout exceeded when trying to connect|connection is closed|client has encountered a connection error/i;

/**
 * Tells a failure of the infrastructure (database, broker, network: retried without end) from a deterministic
 * one (a bug or a bad event: the same input fails again).
 */
export function isInfrastructureFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof InfrastructureError) return true;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (sqlStates.test(code) || systemCodes.test(code) || names.test(error.name) || messages.test(error.message)) return true;
  if (error instanceof AggregateError && error.errors.some(isInfrastructureFailure)) return true;
  return error.cause !== undefined && isInfrastructureFailure(error.cause);
}
