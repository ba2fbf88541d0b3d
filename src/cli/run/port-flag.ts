/** `--port [name=]P[:protocol]` and `--port auto`, as text. */
import type { AppPort, PortProtocol } from '../../agent/workload-record.ts';
import { UsageError } from '../exit-codes.ts';

const PROTOCOLS: readonly PortProtocol[] = ['http', 'http2', 'grpc', 'tcp'];
/** RFC 6335 section 5.1, as Kubernetes has it for port names. */
const NAME = /^(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$/;
const HINT = 'For example: --port 8080, --port web=8080:http, --port 6379:tcp, --port auto';

/** No flag: a workload that only calls others. */
export function parsePortFlags(texts: readonly string[]): readonly AppPort[] | 'auto' {
  if (texts.includes('auto')) {
    if (texts.length > 1) throw new UsageError('--port auto excludes other ports', HINT);
    return 'auto';
  }
  const ports = texts.map(parsePort);
  ports.forEach((port, index) => {
    const twice = ports.findIndex((each) => each.port === port.port || (port.name !== '' && each.name === port.name));
    if (twice < index) throw new UsageError(`--port ${texts[index]} repeats --port ${texts[twice]}`, HINT);
  });
  return ports;
}

function parsePort(text: string): AppPort {
  const [, name = '', digits = '', protocol = ''] = /^(?:([^=:]*)=)?(\d{1,5})(?::(.*))?$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === '' || port < 1 || port > 65_535)
    throw new UsageError(`--port ${text} names no port from 1 to 65535`, HINT);
  if (text.includes('=') && (name.length > 15 || !NAME.test(name))) {
    throw new UsageError(
      `--port ${text}: a name is lower-case letters, digits and single "-" with a letter, at most 15 characters`,
      HINT,
    );
  }
  const known = PROTOCOLS.find((each) => each === protocol);
  if (text.endsWith(':') || (protocol !== '' && known === undefined)) {
    throw new UsageError(
      `--port ${text}: there is no protocol "${protocol}"`,
      `One of: ${PROTOCOLS.join(', ')}; none: detected`,
    );
  }
  return { name, port, protocol: known ?? '' };
}
