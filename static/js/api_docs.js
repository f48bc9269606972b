// The examples of the API, onto the clipboard.

const SHOWN = 2000;

async function copy(button) {
  const words = button.textContent;
  try {
    await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
    button.textContent = button.dataset.copied;
  } catch {
    button.textContent = button.dataset.refused;
  }
  setTimeout(() => { button.textContent = words; }, SHOWN);
}

for (const button of document.querySelectorAll(".example .copy")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}
