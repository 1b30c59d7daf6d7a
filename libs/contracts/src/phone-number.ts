import { z } from 'zod';

/** A telephone number as the whole world dials it (E.164). */
export const phoneNumberSchema = z.string().regex(/^\+[1-9]\d{4,14}$/, 'use E.164, such as +4915112345678');
