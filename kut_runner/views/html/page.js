"use strict";
// Filters tests by status and text, and expands the target of a link.
const tests = [...document.querySelectorAll("details.test")];
const texts = tests.map((test) => test.firstElementChild.textContent.toLowerCase());
const buttons = [...document.querySelectorAll("nav button")];
const input = document.querySelector("nav input");
const output = document.querySelector("nav output");

function filter() {
	const statuses = new Set(
		buttons.filter((button) => button.ariaPressed === "true").map((button) => button.dataset.status)
	);
	const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
	let shown = 0;
	tests.forEach((test, index) => {
		const fits =
			(!statuses.size || statuses.has(test.dataset.status)) &&
			words.every((word) => texts[index].includes(word));
		test.hidden = !fits;
		shown += fits;
	});
	output.value = shown === tests.length ? "" : `${shown} of ${tests.length}`;
}

function reveal() {
	const target = location.hash && document.getElementById(location.hash.slice(1));
	if (!target) return;
	target.closest("details.test").hidden = false;
	for (let each = target; each; each = each.parentElement)
		if (each.tagName === "DETAILS") each.open = true;
	target.scrollIntoView();
}

let pending = 0;
input.hidden = false;
input.addEventListener("input", () => {
	clearTimeout(pending);
	pending = setTimeout(filter, 80);
});
for (const button of buttons)
	button.addEventListener("click", () => {
		button.ariaPressed = String(button.ariaPressed !== "true");
		filter();
	});
document.addEventListener("keydown", (event) => {
	if (event.key === "/" && document.activeElement !== input) {
		event.preventDefault();
		input.focus();
	}
});
addEventListener("hashchange", reveal);
reveal();
document.documentElement.classList.add("script");
