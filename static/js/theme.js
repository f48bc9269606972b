// Light, dark, or as the system has it. Loaded before the page is drawn, so that no page flashes in the wrong one.
(() => {
  const NEXT = { system: "light", light: "dark", dark: "system" };
  const SIGNS = { system: "◐", light: "○", dark: "●" };
  const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
  let theme = localStorage.getItem("theme") ?? "system";

  function apply() {
    const isDark = theme === "dark" || (theme === "system" && systemIsDark.matches);
    document.documentElement.dataset.theme = isDark ? "dark" : "light";
    const button = document.getElementById("theme");
    if (button) {
      button.textContent = SIGNS[theme];
      button.setAttribute("aria-label", button.dataset[theme]);
    }
  }

  function switchTheme() {
    theme = NEXT[theme] ?? "system";
    localStorage.setItem("theme", theme);
    apply();
  }

  apply();
  systemIsDark.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", () => {
    apply();
    document.getElementById("theme")?.addEventListener("click", switchTheme); // a window of the administration has none
  });
})();
