/** The shop's front: puts the catalog and the visitor's cart on one page, and shows the page without a catalog that failed. */
import { command } from './resp.mjs';
import { get, serve } from './serve.mjs';

const cart = { host: process.env.CART_SERVICE_HOST, port: Number(process.env.CART_SERVICE_PORT) };

serve(Number(process.env.PORT ?? 8080), async (url) => {
  const visitor = url.searchParams.get('visitor') ?? 'guest';
  const [catalog, visits] = await Promise.all([
    get('http://catalog/products').catch((error) => ({ products: [], missing: error.message })),
    command(cart, 'INCR', `visits:${visitor}`),
  ]);
  return { page: 'shop', visits, ...catalog };
});
