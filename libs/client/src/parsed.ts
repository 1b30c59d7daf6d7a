import { CenterError } from './center-error.js';

/** @returns what an option was parsed to. @throws CenterError `invalid_request` that names the option. */
export function parsed<T>(
  field: string,
  result: { success: true; data: T } | { success: false; error: { issues: { message: string }[] } },
): T {
  if (result.success) return result.data;
  const message = result.error.issues.map((issue) => issue.message).join('; ');
  throw new CenterError('invalid_request', `${field}: ${message}`, { fields: [{ field, message }] });
}
