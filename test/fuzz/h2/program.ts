/**
 * Sequences of frames as text, one a line (lines end in CR LF), so that damage to an input hits what frames say and not
 * only where they end. The letter in front says which frame; stream, flags and the like are one character each.
 *
 *     H13:method=GET|:path=/   HEADERS: stream, flags, fields (~ in them is CR LF)    C…   CONTINUATION, the same
 *     D11content               DATA: stream, flags, content (padded when the flags say so)
 *     W1100  S4=0,3=5  A  R18  PPayload8  G10  Y13      WINDOW_UPDATE, SETTINGS, its ACK, RST_STREAM, PING, GOAWAY, PRIORITY
 *     F601payload              any frame: type, flags, stream, payload      L…    the same, with a length that lies by one
 *     X…                       bytes as they are
 */
import { END_HEADERS, FRAME, FRAME_HEAD_BYTES, PADDED, PRIORITY, putUint32 } from '../../../src/http/h2/frame.ts';
import { block, frame, settings, settingsAck, word } from '../../../src/http/h2/test/frames.ts';

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const PAD_BYTES = 3;

export const digit = (value: number): string => DIGITS[value] ?? '0';

/** What goes over the wire, a line each. */
export function framesOf(program: Uint8Array): Buffer[] {
  const lines = Buffer.from(program).toString('latin1').split('\r\n');
  return lines.filter((line) => line !== '').map(frameOf);
}

/** The same without what is no whole frame; a field section in several frames is one step. */
export function stepsOf(program: Uint8Array): Buffer[] {
  const steps: Buffer[] = [];
  let section = 0;
  for (const line of Buffer.from(program).toString('latin1').split('\r\n')) {
    if (!/^[HCDWSARPGYF]/.test(line)) continue;
    const whole = frameOf(line);
    if (section > 0) steps.push(Buffer.concat([steps.pop() ?? whole, whole]));
    else steps.push(whole);
    const [type, flags] = [whole[3], whole[4] ?? 0];
    if (type === FRAME.headers || type === FRAME.continuation) section = (flags & END_HEADERS) === 0 ? 1 : 0;
  }
  // A section that never ends is judged by none.
  return section > 0 ? steps.slice(0, -1) : steps;
}

function frameOf(line: string): Buffer {
  const [kind = '', a = '', b = '', c = ''] = line;
  switch (kind) {
    case 'H':
      return frame(
        FRAME.headers,
        number(b),
        number(a),
        padded(number(b), priority(number(b)), fieldsIn(line.slice(3))),
      );
    case 'C':
      return frame(FRAME.continuation, number(b), number(a), fieldsIn(line.slice(3)));
    case 'D':
      return frame(FRAME.data, number(b), number(a), padded(number(b), '', Buffer.from(line.slice(3), 'latin1')));
    case 'W':
      return frame(FRAME.windowUpdate, 0, number(a), word(decimal(line.slice(2))));
    case 'S':
      return settings(...pairs(line.slice(1)));
    case 'A':
      return settingsAck;
    case 'R':
      return frame(FRAME.rstStream, 0, number(a), word(number(b)));
    case 'P':
      return frame(FRAME.ping, a === '!' ? 1 : 0, 0, line.slice(1, 9));
    case 'G':
      return frame(FRAME.goaway, 0, 0, Buffer.concat([word(number(a)), word(number(b))]));
    case 'Y':
      return frame(FRAME.priority, 0, number(a), Buffer.concat([word(number(b)), Buffer.from([15])]));
    case 'F':
    case 'L': {
      const whole = frame(number(a), number(b), number(c), line.slice(4));
      if (kind === 'L') whole[2] = (whole[2] ?? 0) ^ 1;
      return whole;
    }
    default:
      return Buffer.from(line.slice(1), 'latin1');
  }
}

/** A digit, or whatever byte stands there. */
function number(text: string): number {
  const at = DIGITS.indexOf(text);
  return text !== '' && at >= 0 ? at : text.charCodeAt(0) || 0;
}

function decimal(text: string): number {
  return Number.parseInt(text, 10) >>> 0;
}

function pairs(text: string): [number, number][] {
  const list = text.split(',').filter((each) => each !== '');
  return list.map((each) => [number(each[0] ?? ''), decimal(each.slice(2))]);
}

function fieldsIn(text: string): Buffer {
  const fields = text.replaceAll('~', '\r\n').split('|');
  return block(
    fields
      .filter((each) => each !== '')
      .map((each) => {
        const at = each.indexOf('=');
        return at < 0 ? [each, ''] : [each.slice(0, at), each.slice(at + 1)];
      }),
  );
}

function priority(flags: number): string {
  return (flags & PRIORITY) === 0 ? '' : '\0\0\0\0\x0f';
}

function padded(flags: number, front: string, payload: Buffer): Buffer {
  const behindPad = Buffer.concat([Buffer.from(front, 'latin1'), payload]);
  if ((flags & PADDED) === 0) return behindPad;
  return Buffer.concat([Buffer.from([PAD_BYTES]), behindPad, Buffer.alloc(PAD_BYTES)]);
}

/** A frame whose length says more than there is: 16 MiB, or what this end allows and one more. */
export const TOO_LONG = [0xff_ffff, 16_385].map((length) => {
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  putUint32(head, 0, length * 256);
  return head.toString('latin1');
});
