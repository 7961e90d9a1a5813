// Light, dark, or as the system: kept in a cookie, so that the server draws the page right at once.

export const theme = () => document.documentElement.dataset.theme ?? "";

export function setTheme(name) {
  document.cookie = `turnout_theme=${name}; path=/; max-age=${name ? 31_536_000 : 0}; samesite=lax`;
  if (name) document.documentElement.dataset.theme = name;
  else delete document.documentElement.dataset.theme;
}
