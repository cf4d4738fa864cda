/** Imports the JavaScript text of an emitted module, in Node and in browsers. */
export const importModule = async <Module>(text: string): Promise<Module> =>
  (await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(text)}`)) as Module;
