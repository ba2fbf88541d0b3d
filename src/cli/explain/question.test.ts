import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FieldName } from '../../http/field-name.ts';
import { readAsked } from './question.ts';

const asked = (url: string, headers: readonly string[] = []) =>
  readAsked({ url, method: 'get', headers, namespace: 'shop' });

test('a request goes to the proxy for HTTP, with its fields; a port of TCP to its own listener', () => {
  const { listener, head } = asked('http://catalog.shop:8080/a?b=1', ['X-User: ann', 'empty:']);
  assert.equal(listener, 'outbound|http-proxy');
  assert.deepEqual([head?.methodText, head?.authorityText, head?.pathText], ['GET', 'catalog.shop:8080', '/a?b=1']);
  assert.deepEqual([head?.value(new FieldName('x-user')), head?.value(new FieldName('empty'))], ['ann', '']);
  assert.deepEqual(asked('tcp://cart:6379'), { listener: 'outbound|6379|cart.shop', head: null });
  assert.equal(asked('tcp://cart.market:6379').listener, 'outbound|6379|cart.market');
});

test('what is neither is refused by its own words', () => {
  for (const url of ['catalog', 'https://catalog/', 'tcp://cart', 'http://']) {
    assert.throws(() => asked(url), /is not http:\/\/HOST\/PATH/, url);
  }
  for (const header of ['x', ': y', 'a b: c', 'a: b\nc: d']) {
    assert.throws(() => asked('http://a/', [header]), /is not NAME: VALUE/, header);
  }
});
