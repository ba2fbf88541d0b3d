/**
 * How many requests may be in flight, found out from how late the event loop is: that is how long work waits in the
 * kernel's buffers (`lateness.ts`). As in CoDel, a queue stands when the delay never falls below the target in a whole
 * interval, and is not being worked off either; then what is in flight is cut in proportion, and from there follows the
 * mean delay: down when it is above the target, up when it is below and somebody was refused, the faster the idler the
 * loop. What is let in is finished soon, and the rest hears so at once instead of timing out. Pure: time comes as an
 * argument.
 */

/** A loop this late makes a request wait about twice as long: it is read in one turn and answered in another. */
const TARGET_MS = 50;
/** A pause of the collector, or a neighbour on the core, is over by then. */
const INTERVAL_MS = 200;
/** What came during one long turn makes the next one long as well. */
const MIN_SAMPLES = 2;
/** A queue that loses this share of itself meanwhile is being worked off. */
const GOING = 0.25;
/** Between corrections, once there is a limit. */
const STEP_MS = 100;
/**
 * The work that is let in must keep the core busy whatever else happens; and this little in flight is no queue of ours:
 * a loop that is late with it is kept from the core by somebody else, and refusing would help nobody.
 */
const MIN_LIMIT = 128;
/** Without a refusal for this long there is nothing to limit: longer than the pace makes anybody wait. */
const FORGET_MS = 10_000;
const GROWTH = 1.1;
/** With a delay below a quarter of the target: what is in flight waits for others, not for this core. */
const IDLE_GROWTH = 1.5;
const MIN_CUT = 0.5;
const MAX_CUT = 0.9;
/** What is left of the best rate after a step in which less was let in. */
const RATE_DECAY = 0.98;

export class Admission {
  /** In flight at most; Infinity: the loop is on time. */
  limit = Number.POSITIVE_INFINITY;
  /** Requests a second that were let in when most were, lately: what the core is known to carry. */
  #rate = 0;
  #since = 0;
  #samples = 0;
  #leastMs = Number.POSITIVE_INFINITY;
  #firstMs = 0;
  #sumMs = 0;
  #mostActive = 0;
  #admitted = 0;
  #hasRefused = false;
  #lastRefusal = Number.NEGATIVE_INFINITY;

  /** Whether one more may begin beside `active` ones. */
  admits(active: number, now: number): boolean {
    if (active < this.limit) {
      this.#admitted++;
      return true;
    }
    this.#hasRefused = true;
    this.#lastRefusal = now;
    return false;
  }

  /** `lateMs`: of the loop since the last sample. `active`: requests in flight. */
  sample(lateMs: number, active: number, now: number): void {
    if (this.#samples++ === 0) this.#firstMs = lateMs;
    this.#sumMs += lateMs;
    if (lateMs < this.#leastMs) this.#leastMs = lateMs;
    if (active > this.#mostActive) this.#mostActive = active;
    const isLimited = this.limit !== Number.POSITIVE_INFINITY;
    const tookMs = now - this.#since;
    if (tookMs < (isLimited ? STEP_MS : INTERVAL_MS)) return;
    if (!isLimited && this.#leastMs > TARGET_MS && this.#samples < MIN_SAMPLES) return;
    this.#rate = Math.max((this.#admitted * 1_000) / tookMs, this.#rate * RATE_DECAY);
    const delayMs = isLimited ? this.#sumMs / this.#samples : this.#leastMs;
    const isGoing = !isLimited && lateMs < this.#firstMs * (1 - GOING);
    if (delayMs > TARGET_MS) {
      if (!isGoing) this.#cut(delayMs);
    } else if (now - this.#lastRefusal > FORGET_MS) this.limit = Number.POSITIVE_INFINITY;
    else if (this.#hasRefused) this.limit = Math.ceil(this.limit * (delayMs < TARGET_MS / 4 ? IDLE_GROWTH : GROWTH));
    this.#begin(now);
  }

  /** Nothing was measured for a while: what was measured before says nothing. */
  reset(now: number): void {
    this.limit = Number.POSITIVE_INFINITY;
    this.#rate = 0;
    this.#begin(now);
  }

  #cut(delayMs: number): void {
    const share = Math.min(MAX_CUT, Math.max(MIN_CUT, TARGET_MS / delayMs));
    // What waits is known too late, so cuts overshoot; what is finished within the target is never too much.
    const least = Math.max(MIN_LIMIT, (this.#rate * TARGET_MS) / 1_000);
    this.limit = Math.ceil(Math.max(least, Math.min(this.limit, this.#mostActive) * share));
  }

  #begin(now: number): void {
    this.#since = now;
    this.#samples = 0;
    this.#leastMs = Number.POSITIVE_INFINITY;
    this.#sumMs = 0;
    this.#mostActive = 0;
    this.#admitted = 0;
    this.#hasRefused = false;
  }
}
