import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redirectTarget, rewrittenPath } from '../route-edits.ts';
import { entryFrom, forwardFrom, refusal } from './test/route-json.ts';

const regex = (pattern: string, substitution: string) => ({ pattern: { regex: pattern }, substitution });

function rewritten(action: Parameters<typeof forwardFrom>[0], path: string): string {
  const rewrite = forwardFrom(action).path;
  return rewrite === null ? path : rewrittenPath(path, rewrite);
}

function location(redirect: object, path: string): string {
  const { action } = entryFrom({ redirect });
  assert.ok(action.kind === 'redirect');
  return redirectTarget(action, 'http', 'a', path);
}

test('a regex rewrites the path and leaves the query', () => {
  const action = { regex_rewrite: regex('/v([0-9]+)', '/version/\\1') };
  assert.equal(rewritten(action, '/v1/v22?v=/v3'), '/version/1/version/22?v=/v3');
  assert.equal(rewritten({}, '/v1'), '/v1');
});

test('and that of a redirect, whose query stays or goes', () => {
  const rewrite = { regex_rewrite: regex('^/old/(.*)$', '/new/\\1') };
  assert.equal(location(rewrite, '/old/a?q=1'), 'http://a/new/a?q=1');
  assert.equal(location({ ...rewrite, strip_query: true }, '/old/a?q=1'), 'http://a/new/a');
});

test('what is no regex, refers to no group or excludes another rewrite is refused', () => {
  const at = 'virtual_hosts[0].routes[0]';
  for (const [action, where] of [
    [{ regex_rewrite: regex('(', '') }, 'route.regex_rewrite'],
    [{ regex_rewrite: regex('a', '\\1') }, 'route.regex_rewrite'],
    [{ regex_rewrite: regex('', 'a') }, 'route.regex_rewrite.pattern.regex'],
    [{ regex_rewrite: regex('a', 'ä') }, 'route.regex_rewrite.substitution'],
    [{ regex_rewrite: regex('a', 'b'), prefix_rewrite: '/' }, 'route.regex_rewrite'],
  ] as const) {
    assert.ok(refusal(() => forwardFrom(action)).includes(`${at}.${where}`), where);
  }
  const redirect = { regex_rewrite: regex('a', '\\3') };
  assert.match(
    refusal(() => entryFrom({ redirect })),
    /redirect\.regex_rewrite/,
  );
});
