/** The catalog: products with their reviews and stock. The second version is slower and fails now and then. */
import { setTimeout as sleep } from 'node:timers/promises';
import { get, serve } from './serve.mjs';

const version = process.env.CATALOG_VERSION ?? 'v1';
const delayMs = Number(process.env.CATALOG_DELAY_MS ?? 0);
const errorRate = Number(process.env.CATALOG_ERROR_RATE ?? 0);

serve(Number(process.env.PORT ?? 8081), async () => {
  if (delayMs > 0) await sleep(delayMs);
  if (Math.random() < errorRate) throw Object.assign(new Error('the new catalog lost its index'), { status: 500 });
  const [reviews, stock] = await Promise.all([get('http://reviews/reviews/loom'), get('http://stock/stock/loom')]);
  return { catalog: version, products: [{ name: 'loom', ...reviews, ...stock }] };
});
