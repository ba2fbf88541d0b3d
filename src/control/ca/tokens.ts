/** Join tokens for operators: make, list, delete. Redeeming them is enrolment. */
import { WeftError } from '../../core/errors.ts';
import type { Clock, Random } from '../../core/runtime.ts';
import type { IdentityRecords } from './identity-records.ts';
import { drawToken, hashSecret, type JoinToken, tokenText } from './join-token.ts';

/** Seconds. A token that waits in a file for months is what an SVID of a day is meant to replace. */
export const TOKEN_TTL = { defaultSeconds: 3600, maxSeconds: 365 * 86_400 } as const;
const MAX_TOKENS = 10_000;

export interface TokenOrder {
  readonly namespace: string;
  /** null: any service of the namespace. */
  readonly service: string | null;
  /** null: the account that bears the service's name. */
  readonly accounts: readonly string[] | null;
  readonly ttlSeconds: number;
  /** 0: any number until it expires. */
  readonly uses: number;
}

export class Tokens {
  readonly #records: IdentityRecords;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(records: IdentityRecords, clock: Clock, random: Random) {
    this.#records = records;
    this.#clock = clock;
    this.#random = random;
  }

  /** `text` is shown once and kept nowhere. Rejects with `limit-exceeded` above 10,000 tokens. */
  async create(order: TokenOrder): Promise<{ readonly token: JoinToken; readonly text: string }> {
    if ((await this.#records.tokens()).length >= MAX_TOKENS) {
      throw new WeftError('limit-exceeded', { what: `there are ${MAX_TOKENS} join tokens`, hint: 'Delete some' });
    }
    const drawn = drawToken(this.#random);
    const createdAt = this.#clock.wall();
    const { namespace, service, accounts, uses } = order;
    const expiresAt = createdAt + order.ttlSeconds * 1000;
    const secretHash = hashSecret(drawn.secret);
    const token = { id: drawn.id, secretHash, namespace, service, accounts, createdAt, expiresAt, uses, used: 0 };
    await this.#records.addToken(token);
    return { token, text: tokenText(drawn) };
  }

  list(): Promise<readonly JoinToken[]> {
    return this.#records.tokens();
  }

  /** Rejects with `not-found`. Workloads that it let in stay. */
  async remove(id: string): Promise<void> {
    if ((await this.#records.token(id)) === null) {
      throw new WeftError('not-found', { what: 'there is no such join token', where: id.slice(0, 100) });
    }
    await this.#records.removeToken(id);
  }
}
