// What survives a reload. It lies in the tab's session storage, so that it goes with the tab and no other tab sees it;
// language and theme are kept for all tabs.

// persisted returns an object that begins as it was left in this tab, and a function that stores it.
export function persisted(name, initial) {
  const state = { ...initial, ...read(sessionStorage, name) };
  let timer = 0;
  const write = () => {
    timer = 0;
    try {
      sessionStorage.setItem(name, JSON.stringify(state));
    } catch { // it is too large; what was stored before must not come back in its place
      sessionStorage.removeItem(name);
    }
  };
  addEventListener("pagehide", () => timer && write());
  return [state, () => { timer ||= setTimeout(write, 300); }];
}

function read(storage, name) {
  try {
    return JSON.parse(storage.getItem(name));
  } catch {
    return null;
  }
}

export const preference = (name) => read(localStorage, name);
export const prefer = (name, value) => localStorage.setItem(name, JSON.stringify(value));
