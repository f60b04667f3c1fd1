/* Before the first paint: rules below `.js` hold from the start, so nothing jumps. */
document.documentElement.classList.add("js");
