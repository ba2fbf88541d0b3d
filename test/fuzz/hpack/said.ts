/** What a head says, as a list of fields to compare: as our Head has it, and as the fields of a block have it. */
import { BLOCK, type Block } from '../../../src/http/h2/hpack/decoder.ts';
import { FIELD_WIDTH, FLAGS, type Head, HOP, UPGRADE_STATE } from '../../../src/http/head.ts';
import type { Field } from './model.ts';

/** Everything that a head says, without what means one hop: pseudo-header fields in one order, then the fields. */
export function saidBy(head: Head, kind: Block): Field[] {
  const said: Field[] = [];
  if (kind === BLOCK.request) {
    const upgrade =
      head.upgrade === UPGRADE_STATE.none ? '' : (fieldsIn(head, HOP).find(([name]) => name === 'upgrade')?.[1] ?? '');
    said.push([':method', upgrade === '' ? head.methodText : 'CONNECT']);
    said.push([':scheme', head.scheme ?? ''], [':path', head.pathText], [':authority', head.authorityText]);
    said.push([':protocol', upgrade]);
  } else if (kind === BLOCK.response) said.push([':status', String(head.status)]);
  const fields = fieldsIn(head, 0).filter(([name]) => name !== 'host' || kind !== BLOCK.request);
  return [...said, ...crumbsLast(fields, kind)];
}

/** The same, from the fields of a good block. */
export function wanted(fields: readonly Field[], kind: Block): Field[] {
  const value = (name: string): string => fields.find(([each]) => each === name)?.[1] ?? '';
  const names = kind === BLOCK.request ? [':method', ':scheme', ':path', ':authority', ':protocol'] : [':status'];
  const pseudo = kind === BLOCK.trailers ? [] : names.map((name): Field => [name, value(name)]);
  const host = fields.some(([name]) => name === ':authority') ? null : value('host');
  const said = pseudo.map(([name, text]): Field => [name, name === ':authority' && host !== null ? host : text]);
  const hop = /^(content-length|proxy-authenticate|proxy-authorization|proxy-authentication-info|host)$/;
  const rest = fields.filter(([name]) => !name.startsWith(':') && (kind === BLOCK.request || name !== 'te'));
  return [
    ...said,
    ...crumbsLast(
      rest.filter(([name]) => !hop.test(name) || (name === 'host' && kind !== BLOCK.request)),
      kind,
    ),
  ];
}

/** One Cookie, behind all others: crumbs of a request are joined there. */
function crumbsLast(fields: readonly Field[], kind: Block): Field[] {
  if (kind !== BLOCK.request) return [...fields];
  const crumbs = fields.filter(([name]) => name === 'cookie').map(([, text]) => text);
  const rest = fields.filter(([name]) => name !== 'cookie');
  return crumbs.length === 0 ? rest : [...rest, ['cookie', crumbs.filter((text) => text !== '').join('; ')]];
}

/** Live fields that have this bit of `HOP`, or have it not. */
function fieldsIn(head: Head, hop: number): Field[] {
  const found: Field[] = [];
  for (let i = 0; i < head.count; i++) {
    const flags = head.fields[i * FIELD_WIDTH + FLAGS] ?? 0;
    if (!head.isRemoved(i) && (flags & HOP) === hop) found.push([head.nameText(i), head.text(i)]);
  }
  return found;
}
