/**
 * The service as it is built and shipped. The benchmarks run under tsx, which wraps every function that has a name: what a request
 * creates on its way would be measured with its wrapping.
 */
export async function importBuilt<T>(path: string): Promise<T> {
  return import(new URL(`../dist/src/${path}.js`, import.meta.url).href)
}
