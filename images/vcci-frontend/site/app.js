// Copyright (c) 2026 GreenLang. All rights reserved.
"use strict";

const api = "/api/v1/records";
const byId = (id) => document.getElementById(id);

async function ask(url, options) {
  const answer = await fetch(url, options);
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok && answer.status !== 503) throw new Error(typeof body.detail === "string" ? body.detail : `the platform answered ${answer.status}`);
  return body;
}

function complain(error) {
  byId("error").textContent = error ? error.message : "";
  byId("error").hidden = !error;
}

function row(record) {
  const line = document.createElement("tr");
  for (const value of [record.id, record.name, record.quantity, record.factor, record.emissions ?? "…", record.status, record.worker ?? ""]) {
    const cell = document.createElement("td");
    cell.textContent = value;
    line.append(cell);
  }
  return line;
}

async function refresh() {
  try {
    const [health, records] = await Promise.all([ask("/health/ready"), ask(api)]);
    const checks = Object.entries(health.checks ?? {}).map(([name, state]) => `${name} ${state}`).join(", ");
    byId("health").textContent = `${health.status} (${checks}), version ${health.version}`;
    if (Array.isArray(records)) byId("records").replaceChildren(...records.map(row));
    complain(null);
  } catch (error) {
    complain(error);
  }
}

byId("new").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const record = { name: form.get("name"), quantity: Number(form.get("quantity")), factor: Number(form.get("factor")) };
  try {
    const answer = await ask(api, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(record) });
    if (!answer.id) throw new Error(answer.detail ?? "the platform does not answer; try again");
    await refresh();
  } catch (error) {
    complain(error);
  }
});

refresh();
setInterval(() => { if (!document.hidden) refresh(); }, 3000);
