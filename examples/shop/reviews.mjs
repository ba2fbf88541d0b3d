/** What customers say. */
import { serve } from './serve.mjs';

serve(Number(process.env.PORT ?? 8083), (url) => ({
  reviews: [{ of: url.pathname.split('/').at(-1), stars: 5, text: 'Holds every thread.' }],
}));
