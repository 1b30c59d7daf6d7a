import { createHash } from 'node:crypto';
import { Postgres } from '@communication-center/service';
import { Injectable } from '@nestjs/common';

/** A request with a right digest, as it came. */
export interface CountedRequest {
  nonce: string;
  count: number;
  /** What tells it from any other, its sender's address included. */
  name: string;
}

/**
 * How often each nonce was used, by whoever knew the password: each count is good for one request (RFC 7616 §3.4.5), at whatever replica,
 * and after a restart. Counts may come in any order, since a phone that asks for a hundred lamps does so at once and over UDP.
 */
@Injectable()
export class NonceCounts {
  constructor(private readonly database: Postgres) {}

  /** @returns whether it may go on: it is the first of its count, or that very request again, which UDP repeats. */
  async take({ nonce, count, name }: CountedRequest): Promise<boolean> {
    const { rows } = await this.database.query(
      `INSERT INTO nonce_counts (nonce, count, request) VALUES ($1, $2, $3)
       ON CONFLICT (nonce, count) DO UPDATE SET request = excluded.request WHERE nonce_counts.request = excluded.request
       RETURNING 1`,
      [digestOf(nonce), count, digestOf(name)],
    );
    return rows.length === 1;
  }
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest().subarray(0, 16);
}
