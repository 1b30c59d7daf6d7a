/** Says that a part of the infrastructure did not do its work: wait and try again, nothing is wrong with the event. */
export class InfrastructureError extends Error {
  override name = 'InfrastructureError';
}

// PostgreSQL classes: connection, transaction rollback (serialization, deadlock), resources, object state (locks), operator
// intervention (statement time-outs), system.
const sqlStates = /^(08|40|53|55|57|58)|^25006$/;
// Columns, tables, functions and schemas that are not there: during a rolling change they come, or this release goes.
const missingNames = /^(42703|42P01|42883|42704|3F000)$/;
const systemCodes = /^(ECONN|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_)/;
const names = /^(KafkaJS|AbortError|TimeoutError|MaxRetriesPerRequestError)/;
const messages =
  /connection terminated|timeout exceeded when trying to connect|timeout expired|connection is closed|client has encountered a connection error|query read timeout/i;

// Wrong data and broken constraints.
const dataStates = /^(22|23)/;
const ownNames = /^(\$?ZodError|TypeError|RangeError|ReferenceError|SyntaxError|URIError)$/;

/** Whether a failure is of the infrastructure (database, broker, network) or of its time limits: nothing is wrong with what was asked. */
export function isInfrastructureFailure(error: unknown): boolean {
  return anyOf(error, (one) => {
    const code = codeOf(one);
    return (
      one instanceof InfrastructureError ||
      sqlStates.test(code) ||
      systemCodes.test(code) ||
      names.test(one.name) ||
      messages.test(one.message)
    );
  });
}

/**
 * Why handling an event failed:
 * - `infrastructure`: waited for without end. Time-outs, and names the schema lacks during a rolling change, count as that;
 * - `event`: its own fault, the same input fails again. Its schema, its data in SQL, an exception of our own code;
 * - `unclear`: neither for certain. Waited for, unless it alone goes on failing while others succeed.
 */
export type Fault = 'infrastructure' | 'event' | 'unclear';

/** @returns whose fault a failure of a handler is. */
export function faultOf(error: unknown): Fault {
  if (isInfrastructureFailure(error) || anyOf(error, (one) => missingNames.test(codeOf(one)))) return 'infrastructure';
  return anyOf(error, (one) => ownNames.test(one.name) || dataStates.test(codeOf(one))) ? 'event' : 'unclear';
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Looks at an error, at what it gathers and at what caused it. */
function anyOf(error: unknown, is: (one: Error) => boolean): boolean {
  if (!(error instanceof Error)) return false;
  if (is(error)) return true;
  if (error instanceof AggregateError && error.errors.some((one) => anyOf(one, is))) return true;
  return error.cause !== undefined && anyOf(error.cause, is);
}
