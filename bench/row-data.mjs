/**
 * The three public tables that rows are measured on (none of them part of this repository), as CSV with a header: names are those of the UCI files, or short ones where
 * these are sentences. Splits are seeded; Adult has its own.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { Rng } from "../dist/index.js";

const HELD_OUT = 0.2;

/** By name: the column that is the label, the classes, and the records (fields of the schema, then the label) to train on and held out. */
export const TABLES = {
  german: {
    classes: ["1", "2"],
    columns:
      "checking duration history purpose amount savings employment rate status debtors residence property age plans housing credits job liable telephone foreign",
    read: (folder) => drawn(records(readFileSync(join(folder, "german.csv")))),
  },
  adult: {
    classes: ["<=50K", ">50K"],
    columns:
      "age workclass fnlwgt education education-num marital-status occupation relationship race sex capital-gain capital-loss hours-per-week native-country",
    read: (folder) => {
      const part = (name) =>
        records(gunzipSync(readFileSync(join(folder, `adult-${name}.csv.gz`)))).map((record) =>
          // The test part ends its labels with a period.
          record.map((cell, i) => (i === record.length - 1 ? cell.replace(/\.$/, "") : cell)),
        );
      return { training: part("train"), heldOut: part("test") };
    },
  },
  phishing: {
    classes: ["-1", "1"],
    columns:
      "having_IP_Address URL_Length Shortining_Service having_At_Symbol double_slash_redirecting Prefix_Suffix having_Sub_Domain SSLfinal_State Domain_registeration_length Favicon port HTTPS_token Request_URL URL_of_Anchor Links_in_tags SFH Submitting_to_email Abnormal_URL Redirect on_mouseover RightClick popUpWidnow Iframe age_of_domain DNSRecord web_traffic Page_Rank Google_Index Links_pointing_to_page Statistical_report",
    // 5,206 lines repeat another: each row once, so that none is on both sides.
    read: (folder) => drawn(distinct(records(gunzipSync(readFileSync(join(folder, "phishing-websites.arff.gz")))))),
  },
};

function records(bytes) {
  return bytes
    .toString("utf8")
    .split(/\r?\n/)
    .filter((line) => line.includes(","))
    .map((line) => line.split(",").map((cell) => cell.trim()));
}

function distinct(list) {
  return [...new Map(list.map((record) => [record.join(), record])).values()];
}

function drawn(list) {
  const order = Rng.of(0)
    .fold("row-tables")
    .shuffle([...list.keys()]);
  const heldOut = new Set(order.slice(0, Math.round(HELD_OUT * list.length)));
  return {
    training: list.filter((_, i) => !heldOut.has(i)),
    heldOut: list.filter((_, i) => heldOut.has(i)),
  };
}

/** The lines of a CSV file. */
export function asCsv({ columns }, list) {
  return `${[[...columns.split(" "), "label"], ...list].map((cells) => cells.join(",")).join("\n")}\n`;
}
