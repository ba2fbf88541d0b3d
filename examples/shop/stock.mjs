/** How many are left. */
import { serve } from './serve.mjs';

serve(Number(process.env.PORT ?? 8084), () => ({ stock: 7 }));
