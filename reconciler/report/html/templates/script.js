"use strict";
// Two conveniences, and the page tells all it has to tell without them: how long ago things were, and a search of the tree.
document.documentElement.classList.add("scripted");

const units = [["d", 86400], ["h", 3600], ["min", 60]];
function ago(then) {
  const seconds = (Date.now() - Date.parse(then)) / 1000;
  if (!(seconds >= 0)) return ""; // the cloud's clock is not this machine's
  const [unit, length] = units.find(([, l]) => seconds >= l) || ["", 0];
  return unit ? `${Math.floor(seconds / length)} ${unit} ago` : "just now";
}
function age() {
  for (const place of document.querySelectorAll("[data-since]")) {
    const text = ago(place.dataset.since);
    if (text) place.textContent = `(${text})`;
  }
}
age();
setInterval(age, 30000);

for (const tools of document.querySelectorAll(".tools")) {
  const tree = tools.parentElement.querySelector(".tree");
  const hits = tools.querySelector(".hits");
  const leaves = [...tree.querySelectorAll(".leaves > li")];
  const stacks = [...tree.querySelectorAll("details.stack")];
  const branches = [...tree.querySelectorAll("details.branch")];
  const texts = new Map();
  const told = (node) => {
    if (!texts.has(node)) texts.set(node, node.textContent.toLowerCase());
    return texts.get(node);
  };
  const label = (node) => told(node.querySelector("summary"));
  const search = (wanted) => {
    let found = 0;
    for (const branch of branches) {
      const wholeBranch = label(branch).includes(wanted);
      let inBranch = wholeBranch;
      for (const stack of branch.querySelectorAll("details.stack")) {
        const wholeStack = wholeBranch || label(stack).includes(wanted);
        let inStack = wholeStack;
        for (const leaf of stack.querySelectorAll(".leaves > li")) {
          const shown = wholeStack || told(leaf).includes(wanted);
          leaf.hidden = !shown;
          inStack = inStack || shown;
          found += shown ? 1 : 0;
        }
        stack.hidden = !inStack;
        stack.open = wanted !== "" && inStack && !wholeBranch;
        inBranch = inBranch || inStack;
      }
      branch.hidden = !inBranch;
      branch.open = true;
    }
    hits.textContent = wanted ? `${found} of ${leaves.length} resources` : "";
  };
  tools.querySelector("input").addEventListener("input", (event) => search(event.target.value.trim().toLowerCase()));
  for (const button of tools.querySelectorAll("button"))
    button.addEventListener("click", () => { for (const one of [...stacks, ...branches]) one.open = Boolean(button.dataset.open); });
  tools.hidden = false;
}
