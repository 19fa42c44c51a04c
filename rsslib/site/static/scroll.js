/* What scrolls in its own box can be scrolled by keyboard, too. */
window.addEventListener("load", () => {
  for (const box of document.querySelectorAll(".bd-article table, .bd-article pre, .bd-article .math, .wide"))
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
});
