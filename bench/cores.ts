/** Who runs where: what is measured has a core to itself, so that its CPU time is not the load generator's. */
export const PROXY_CORE = 0;
export const LOAD_CORE = 1;
