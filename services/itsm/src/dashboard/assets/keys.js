// "/" leads to the filter box, as "Skip to the content" leads to the content. Nothing else needs a script.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select")) return;
  const box = document.querySelector("[data-filter]");
  if (!box) return;
  event.preventDefault();
  box.focus();
  box.select();
});
