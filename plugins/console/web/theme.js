// Light or dark: as the system has it, unless the viewer says otherwise, which this browser remembers.

const NAME = "sluice-theme";

/** The themes that the switch goes through. */
export const THEMES = ["system", "light", "dark"];

/** The theme in force. */
export function theme() {
  try {
    const kept = localStorage.getItem(NAME);
    return THEMES.includes(kept) ? kept : "system";
  } catch {
    return "system";
  }
}

/** Takes a theme into force and remembers it. */
export function setTheme(name) {
  try {
    localStorage.setItem(NAME, name);
  } catch {
    // A browser that keeps nothing goes by the system's.
  }
  apply(name);
}

function apply(name) {
  if (name === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  dispatchEvent(new Event("theme"));
}

apply(theme());
