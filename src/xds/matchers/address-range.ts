/** Envoy's CidrRange: what listeners match on and what RBAC compares is one form. */
import { type AddressRange, addressBytes } from '../../core/address-range.ts';
import { invalid } from '../problem.ts';
import type { CidrRange } from '../tables/messages.gen.ts';

/** Throws a WeftError with the field path. */
export function readAddressRange(where: string, range: CidrRange): AddressRange {
  const prefix = addressBytes(range.addressPrefix);
  if (prefix === null) {
    throw invalid(`${where}.address_prefix`, `${JSON.stringify(range.addressPrefix)} is not an IP address`);
  }
  const bits = range.prefixLen ?? 0;
  const mapped = prefix.length === 4 && range.addressPrefix.includes(':');
  const most = mapped ? 128 : prefix.length * 8;
  if (bits > most || (mapped && bits < 96)) {
    throw invalid(`${where}.prefix_len`, `${bits} is not a prefix length of ${range.addressPrefix}`);
  }
  return { prefix, bits: mapped ? bits - 96 : bits };
}
