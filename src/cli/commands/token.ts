/** `weft token`: join tokens, with which a workload on another machine becomes a member of the mesh. */
import type { Command } from 'commander';
import { createToken, deleteToken, listTokens, type CreatedToken } from '../../client/identity.ts';
import { parseDuration } from '../../core/durations.ts';
import type { Context } from '../context.ts';
import { UsageError } from '../exit-codes.ts';
import { withMesh } from '../mesh/connect.ts';
import { programName } from '../program-name.ts';
import { printedAsData } from '../output/data.ts';
import { tableLines } from '../output/table.ts';

interface CreateOptions {
  readonly service?: string;
  readonly ttl?: string;
  readonly uses?: string;
  readonly account?: string[];
}

export function define(command: Command, context: () => Context): void {
  command
    .command('create')
    .description('make a token; its secret is shown once')
    .option('-s, --service <name>', 'for this service only (default: any service of the namespace)')
    .option('--ttl <duration>', 'how long it is valid, such as 10m or 24h')
    .option('--uses <count>', 'how many workloads it admits; 0: any number until it expires', '1')
    .option('--account <name...>', 'accounts that it allows (default: the service’s name)')
    .action((options: CreateOptions) => create(context(), options));
  command
    .command('list')
    .alias('ls')
    .description('the tokens that are valid, without their secrets')
    .action(() => list(context()));
  command
    .command('delete <id>')
    .alias('rm')
    .description('make a token useless')
    .action((id: string) =>
      withMesh(context(), async ({ transport }) => {
        await deleteToken(transport, id);
        if (!printedAsData(context(), { deleted: id })) context().terminal.line(`token ${id} deleted`);
      }),
    );
}

async function create(context: Context, options: CreateOptions): Promise<void> {
  const ttlMs = options.ttl === undefined ? null : parseDuration(options.ttl);
  if (options.ttl !== undefined && (ttlMs === null || ttlMs < 1000)) {
    throw new UsageError(`--ttl ${options.ttl} is no duration of a second or more`, 'For example: --ttl 24h');
  }
  if (!/^\d{1,7}$/.test(options.uses ?? ''))
    throw new UsageError('--uses must be a whole number', 'For example: --uses 3');
  await withMesh(context, async ({ transport, namespace }) => {
    const created = await createToken(transport, {
      namespace,
      service: options.service ?? null,
      uses: Number(options.uses),
      ...(ttlMs === null ? {} : { ttlSeconds: Math.floor(ttlMs / 1000) }),
      ...(options.account === undefined ? {} : { accounts: options.account }),
    });
    if (!printedAsData(context, created)) show(context, created, namespace, options);
  });
}

function show(context: Context, created: CreatedToken, namespace: string, options: CreateOptions): void {
  const { line, style } = context.terminal;
  const uses = options.uses === '1' ? 'once' : options.uses === '0' ? 'any number of times' : `${options.uses} times`;
  line(`${style.dim('address')}   ${created.server}`);
  line(`${style.dim('token')}     ${created.token}`);
  line(`${style.dim('CA hash')}   ${created.caHash}`);
  line(`${style.dim('valid')}     ${uses}, until ${created.expiresAt}`);
  line('');
  line('On the other machine, in a terminal (the token is read, not shown):');
  line('');
  const service = options.service ?? 'NAME';
  const account = options.account?.[0];
  const words = [
    `read -rs WEFT_TOKEN && export WEFT_TOKEN\n  ${programName()} run --service ${service} --port PORT`,
    namespace === 'default' ? '' : `-n ${namespace}`,
    account === undefined || account === options.service ? '' : `--account ${account}`,
    `--control-plane ${created.server}`,
    `--ca-hash ${created.caHash} -- COMMAND`,
  ];
  line(`  ${words.filter((word) => word !== '').join(' \\\n    ')}`);
  if (/\/\/(127\.|localhost|\[::1\])/.test(created.server)) {
    line('');
    line(style.dim('The control plane listens on this machine only. For others: weft up --listen ADDRESS'));
  }
}

function list(context: Context): Promise<void> {
  return withMesh(context, async ({ transport }) => {
    const tokens = await listTokens(transport);
    if (printedAsData(context, { items: tokens })) return;
    if (tokens.length === 0) context.terminal.errorLine('no tokens');
    const columns = ['ID', 'NAMESPACE', 'SERVICE', 'CREATED', 'EXPIRES'].map((title) => ({ title }));
    context.terminal.lines(
      tableLines(
        columns,
        tokens.map((each) => [each.id, each.namespace, each.service ?? 'any', each.createdAt, each.expiresAt]),
      ),
    );
  });
}
