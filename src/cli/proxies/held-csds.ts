/** What Weft's proxy holds, out of its answer to CSDS. */
import { ClientResourceStatus } from '../../xds/tables/messages.gen.ts';
import { ClientStatusResponseTable } from '../../xds/tables/tables.gen.ts';
import { decode } from '../../xds/wire/decode.ts';
import type { HeldResource } from './held-resource.ts';
import { readBytes, sectionOf } from './sections.ts';

const STATES: ReadonlyMap<number, string> = new Map([
  [ClientResourceStatus.REQUESTED, 'requested'],
  [ClientResourceStatus.DOES_NOT_EXIST, 'missing'],
  [ClientResourceStatus.NACKED, 'refused'],
]);

/** `bytes`: an envoy.service.status.v3.ClientStatusResponse with contents. Throws a WeftError for what is none. */
export function heldByCsds(bytes: Uint8Array): HeldResource[] {
  const { config } = decode(ClientStatusResponseTable, bytes);
  return config
    .flatMap((each) => each.genericXdsConfigs)
    .flatMap(({ typeUrl, name, versionInfo, xdsConfig, clientStatus, errorState }) => {
      const section = sectionOf(typeUrl);
      if (section === null) return [];
      const read = xdsConfig === undefined ? { message: null, problem: '' } : readBytes(section, xdsConfig.value);
      return [
        {
          section,
          name,
          version: versionInfo,
          state: STATES.get(clientStatus) ?? 'active',
          message: read.message,
          problem: errorState?.details ?? read.problem,
          isLocal: false,
        },
      ];
    });
}
