// `node kql.js FILE…`: Microsoft's own parser of KQL reads each query against the tables that it asks,
// and prints what is wrong as JSON: {"<file>": ["…"]}.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

const FOLDER = path.join(__dirname, "../../node_modules/@kusto/language-service-next");
for (const file of ["bridge.min.js", "Kusto.Language.Bridge.min.js"]) {
  vm.runInThisContext(fs.readFileSync(path.join(FOLDER, file), "utf8"), { filename: file });
}

// https://learn.microsoft.com/en-us/azure/azure-monitor/reference/tables/apptraces and …/storagequeuelogs
const TABLES = `
let AppTraces = datatable(TimeGenerated: datetime, Message: string, ItemCount: int, Properties: dynamic,
  OperationName: string, SeverityLevel: int)[];
let StorageQueueLogs = datatable(TimeGenerated: datetime, OperationName: string, StatusCode: string,
  StatusText: string, Uri: string)[];
`;

function problems(query) {
  const { KustoCode, GlobalState } = globalThis.Kusto.Language;
  const found = KustoCode.ParseAndAnalyze(TABLES + query, GlobalState.Default).GetDiagnostics();
  return Array.from({ length: found.Count }, (_, index) => found.getItem(index).Message);
}

const files = process.argv.slice(2);
const report = files.map((file) => [path.basename(file), problems(fs.readFileSync(file, "utf8"))]);
console.log(JSON.stringify(Object.fromEntries(report)));
