/**
 * All that runs in the page: it sorts and filters the table of findings. Everything can be read without it; sorting buttons exist only
 * where it runs.
 */
export const SCRIPT = `
(function () {
  "use strict";
  var table = document.querySelector("#all table");
  if (!table) return;
  var body = table.tBodies[0];
  var rows = Array.from(body.rows);
  var texts = rows.map(function (row) { return row.textContent.toLowerCase(); });
  var tools = document.getElementById("tools");
  var search = document.getElementById("search");
  var count = document.getElementById("count");
  tools.hidden = false;

  function filter() {
    var wanted = search.value.toLowerCase().trim();
    var shown = 0;
    rows.forEach(function (row, i) {
      row.hidden = texts[i].indexOf(wanted) < 0;
      if (!row.hidden) shown++;
    });
    count.textContent = shown === rows.length ? rows.length + " findings" : shown + " of " + rows.length + " findings";
  }

  function value(row, column) {
    var cell = row.cells[column];
    var number = cell.getAttribute("data-v");
    return number === null ? cell.textContent : Number(number);
  }

  Array.from(table.tHead.rows[0].cells).forEach(function (head, column) {
    var button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", function () {
      var down = head.getAttribute("aria-sort") === "ascending";
      Array.from(table.tHead.rows[0].cells).forEach(function (other) { other.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      var order = rows.map(function (row, i) { return { row: row, key: value(row, column), i: i }; });
      order.sort(function (a, b) {
        var by = a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
        return (down ? -by : by) || a.i - b.i;
      });
      order.forEach(function (item) { body.appendChild(item.row); });
    });
  });

  search.addEventListener("input", filter);
  document.addEventListener("click", function (event) {
    var link = event.target.closest("a[data-find]");
    if (!link) return;
    search.value = link.getAttribute("data-find");
    filter();
  });
  document.addEventListener("keydown", function (event) {
    var tag = event.target.tagName;
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || tag === "INPUT" || tag === "TEXTAREA") return;
    event.preventDefault();
    search.focus();
  });
  filter();
})();
`;
